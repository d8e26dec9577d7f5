//! Any text through expansion, and through the readers of single values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pistack_engine::config::expand::{Names, expand};
use pistack_engine::config::{shlex, values};

fuzz_target!(|text: &str| {
    let mut names = Names::default();
    names.set("here", "/etc");
    names.set("ENV_EMPTY", "");
    names.set("program_name", "a%(here)sb");
    names.set_number("process_num", -7);
    match expand(text, &names) {
        Ok(expanded) if !text.contains('%') => assert_eq!(expanded, text),
        Ok(_) => {}
        Err(error) => assert!(!error.sentence(text, "command", &names).is_empty()),
    }
    let _ = values::environment(text);
    let _ = values::byte_size(text);
    let _ = values::exit_codes(text);
    let _ = values::inet_address(text);
    let _ = values::signal(text);
    let _ = values::octal(text);
    let _ = shlex::tokens(text);
    let _ = shlex::split(text);
    // what is quoted comes back as one word
    assert_eq!(shlex::split(&shlex::quote(text)), Ok(vec![text.to_owned()]));
});
