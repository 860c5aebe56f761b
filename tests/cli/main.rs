//! lastgood as a new user and as an on-call engineer meet it: the real binary, what it prints, and how it ends.

#![cfg(test)]

mod actors;
mod audit;
mod check;
mod examples;
mod forecast;
mod forget;
mod help;
mod home;
mod manifest;
mod people;
mod releases;
mod rollback;
mod rollback_page;
mod run;
