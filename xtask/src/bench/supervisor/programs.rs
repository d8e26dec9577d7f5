//! The programs that are supervised in the measurements, as sections of a `supervisord.conf`.

use std::path::Path;

/// Bytes of the flood, and of one of its lines' multiples.
pub(super) const FLOOD: u64 = 200 << 20;

/// The sections of `count` programs.
fn each(count: usize, section: impl Fn(usize) -> String) -> String {
    (0..count).map(section).collect()
}

/// `count` silent programs: nothing but the daemon's own work is seen.
pub(super) fn cats(count: usize) -> String {
    each(count, |number| {
        format!("[program:cat{number:04}]\ncommand=cat\nstartsecs=0\nautorestart=true\n")
    })
}

/// A program that writes the time of its start, then sleeps.
pub(super) fn stamper() -> String {
    "[program:stamper]\ncommand=sh -c \"date +%%s.%%N; exec sleep 1000\"\nstartsecs=0\nautorestart=true\n\
     stdout_logfile=DIR/stamper.log\n"
        .to_owned()
}

/// `count` programs that write a line of 100 bytes every 100 ms, their phases spread over the 100 ms.
pub(super) fn tickers(count: usize, tools: &Path) -> String {
    each(count, |number| {
        // 37 is prime to 100: neighbours are far apart in time
        let phase = number * 37 % 100;
        format!(
            "[program:ticker{number:04}]\ncommand={}/ticker 100 {phase}\nstartsecs=0\n",
            tools.display()
        )
    })
}

/// Programs that write 200 MB at once when they are started, in writes of `block` bytes.
pub(super) fn writers(count: usize, block: usize, tools: &Path) -> String {
    each(count, |number| {
        format!(
            "[program:writer{number}]\ncommand={}/writer {block} {FLOOD}\nautostart=false\nstartsecs=0\n\
                 stdout_logfile=DIR/writer{number}.log\nstdout_logfile_maxbytes=50MB\nstdout_logfile_backups=10\n",
            tools.display()
        )
    })
}

/// `count` programs that need 0.3 s for their end.
pub(super) fn slow_to_stop(count: usize, autostart: bool) -> String {
    each(count, |number| {
        format!(
            "[program:slow{number:02}]\nstartsecs=0\nautostart={autostart}\n\
                 command=sh -c \"trap 'sleep 0.3; exit 0' TERM; while :; do sleep 0.05; done\"\n"
        )
    })
}

/// A program that is stopped right after its start. A lost signal costs `stopwaitsecs`.
pub(super) fn quick_to_stop() -> String {
    "[program:quick]\ncommand=cat\nstartsecs=0\nstopwaitsecs=1\n".to_owned()
}

/// A listener with the default buffer that keeps every change of state in `DIR/events`.
pub(super) fn listener(tools: &Path) -> String {
    format!(
        "[eventlistener:keeper]\ncommand={}/listener DIR/events\nevents=PROCESS_STATE\nstartsecs=0\n",
        tools.display()
    )
}
