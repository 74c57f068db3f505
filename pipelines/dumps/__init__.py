"""The files of a dump, and the records in them.

Belongs here: listing and fetching files, reading WARC, ARC, WET, JSON lines and Parquet, HTTP
records, opt-out signals. Does not belong here: the text of a page (extraction/).
"""
