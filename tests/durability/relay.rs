//! The relay when something fails: the server, the receivers, the disk. Real servers, receivers that do as they are told.
//!
//! After every fault the same is asked: each receiver has what the journal has, without what is filtered and without dead
//! letters that are expected; the calls of one person arrived in the journal's order; nothing was sent again that the
//! receiver had accepted and the ledger had written down; the accounts close, by the API and by `verify`.

mod accounts;
mod kills;
mod load;
mod receiver;
mod receivers;
mod refusals;
mod room;
mod scene;
