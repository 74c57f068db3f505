"""What tables are made of, and what a stage is.

Belongs here: schemas and meanings of columns, alignment of parts, the tables of a dump and of a release as
inputs, `Stage`, `build` and `find`. Does not belong here: any stage, the list of tables (catalogue/).
"""
