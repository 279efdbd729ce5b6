-- When the data of an upload was there, so that how long it waits for ingestion can be told.
alter table uploads add column time_delivered timestamp;
