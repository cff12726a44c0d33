//! The whole relay at work, with a journal, receivers that follow a script, and a clock moved by hand.
//!
//! Nothing here sleeps: a test moves the clock, lets the workers come to rest, and looks.

pub(super) mod calls;
mod control;
mod faults;
mod flow;
mod pulled_back;
mod world;
