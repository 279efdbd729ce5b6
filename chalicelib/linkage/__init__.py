"""The domain of record linkage, pure: arrays and iterators in, arrays and iterators out.

In the order of a run: ``encodings`` reads what data providers send, ``planning`` (``block_planning``
where there are blocks) cuts the work into chunks, ``comparison`` finds the candidate pairs of a chunk,
``merging`` brings their files together, ``solving`` makes groups, ``rendering`` writes results. Nothing
here knows of S3, Postgres or Lambda, and nothing is imported here: a task loads only the module that it
needs.
"""
