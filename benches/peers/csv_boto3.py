#!/usr/bin/env python3
"""Loads a CSV file into a table: the csv module reads, boto3 writes.

    csv_boto3.py FILE TABLE ENDPOINT
"""

import csv
import sys
from decimal import Decimal

import boto3

# A CSV has no types; the author of such a script knows them.
NUMBERS = {"quantity", "unit_price", "reorder_level"}
BOOLEANS = {"discontinued"}
YES = {"yes", "true"}


def load(file, table, endpoint):
    table = boto3.resource("dynamodb", endpoint_url=endpoint).Table(table)
    written = 0
    # utf-8-sig: some programs on Windows put a byte order mark before the first name.
    with open(file, newline="", encoding="utf-8-sig") as lines, table.batch_writer() as batch:
        rows = csv.reader(lines)
        names = [name.strip().lower().replace(" ", "_") for name in next(rows)]
        for row in rows:
            item = {name: typed(name, text) for name, text in zip(names, row) if name and text}
            if item:
                batch.put_item(Item=item)
                written += 1
    return written


def typed(name, text):
    if name in NUMBERS:
        return Decimal(text)
    if name in BOOLEANS:
        return text.lower() in YES
    return text


if __name__ == "__main__":
    print(f"{load(*sys.argv[1:])} items written")
