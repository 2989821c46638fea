-- What the right answer would have been, by whom an answer was judged.
alter table feedback add column correction text not null default '';
