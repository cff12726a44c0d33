//! The `roundtower` program: reads the command line, runs one command, turns its result into an exit status.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    roundtower::telemetry::log_panics();
    roundtower::cli::run(std::env::args_os())
}
