#!/usr/bin/env python3
"""Loads the first sheet of a workbook into a table: openpyxl reads, boto3 writes.

    openpyxl_boto3.py FILE TABLE ENDPOINT
"""

import datetime
import sys
from decimal import Decimal

import boto3
import openpyxl


def load(file, table, endpoint):
    table = boto3.resource("dynamodb", endpoint_url=endpoint).Table(table)
    rows = openpyxl.load_workbook(file, read_only=True, data_only=True).worksheets[0].iter_rows(values_only=True)
    names = [str(name or "").strip().lower().replace(" ", "_") for name in next(rows)]
    written = 0
    with table.batch_writer() as batch:
        for row in rows:
            item = {name: typed(value) for name, value in zip(names, row) if name and value is not None}
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
