//! The rules, case by case, and what must hold after every record.

mod cases;
mod codec;
mod memory;
mod rules;
mod sizes;
mod story;
mod undo;
