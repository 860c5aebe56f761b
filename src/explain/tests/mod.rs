//! What people read, as whole texts: every alert in both languages, the page of a record, the table, the live view.

mod alerts;
mod cluster;
mod holds;
mod hostile;
mod live_view;
mod marks;
mod page;
mod table;
