#!/usr/bin/env python3
"""Loads the first sheet of a workbook into a table: calamine reads, boto3 writes.

    calamine_boto3.py FILE TABLE ENDPOINT
"""

import datetime
import sys
from decimal import Decimal

import boto3
from python_calamine import CalamineWorkbook


def load(file, table, endpoint):
    table = boto3.resource("dynamodb", endpoint_url=endpoint).Table(table)
    rows = CalamineWorkbook.from_path(file).get_sheet_by_index(0).iter_rows()
    names = [str(name).strip().lower().replace(" ", "_") for name in next(rows)]
    written = 0
    with table.batch_writer() as batch:
        for row in rows:
            item = {name: typed(value) for name, value in zip(names, row) if name and value != ""}
            if item:
                batch.put_item(Item=item)
                written += 1
    return written


def typed(value):
    # boto3 takes neither floats nor dates.
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time.min:
        return value.date().isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value


if __name__ == "__main__":
    print(f"{load(*sys.argv[1:])} items written")
