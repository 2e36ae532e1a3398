"""Classify the pictures of a folder: `folder.py FOLDER OUTPUT PROCESSES`. Writes a CSV file."""

import csv
import sys
from functools import cache
from multiprocessing import Pool
from pathlib import Path

from scenes import Scenes


@cache
def scenes():
    return Scenes()  # one for each process


def row(path):
    answer = scenes().predict(path.read_bytes())
    return [path, answer["label"], answer["predictions"][0]["confidence"]]


if __name__ == "__main__":
    folder, output, processes = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    paths = sorted(folder.iterdir())
    with output.open("w", newline="") as file:
        if processes == 1:
            csv.writer(file).writerows(map(row, paths))
        else:
            with Pool(processes) as pool:
                csv.writer(file).writerows(pool.imap(row, paths, chunksize=16))
