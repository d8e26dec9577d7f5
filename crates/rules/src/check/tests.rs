//! What people get wrong: everything at once, each at its place.

use super::*;
use crate::config::Config;

fn find(toml: &str) -> Vec<String> {
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct File {
        rules: Config,
        rule: IndexMap<String, Rule>,
    }
    let file: File = toml::from_str(toml).unwrap();
    let channels = IndexMap::from([(
        "me".to_owned(),
        toml::from_str::<Channel>("email = { to = \"a@b.c\" }").unwrap(),
    )]);
    let programs = ["camera", "g:camera", "mqtt", "g:mqtt"].map(str::to_owned);
    let known = Known {
        config: &file.rules,
        rules: &file.rule,
        channels: &channels,
        programs: &programs,
        lines: &[("lamp".to_owned(), 17)],
        sensors: &[],
    };
    check(&known)
        .into_iter()
        .map(|finding| {
            format!(
                "{} | {} | {}",
                finding.path.join("."),
                finding.message,
                finding.help.unwrap_or_default()
            )
        })
        .collect()
}

/// One rule with this `when`, a harmless `then`, and the rest.
fn when(text: &str) -> Vec<String> {
    find(&format!("[rule.r]\nwhen = {text}\nthen = [{{ log = \"x\" }}]"))
}

fn then(text: &str) -> Vec<String> {
    find(&format!(
        "[rule.r]\nwhen = {{ program = \"camera\", event = \"crashed\" }}\nthen = {text}"
    ))
}

#[test]
fn right_rules_pass() {
    for right in [
        "{ program = 'camera', event = 'crashed', count = 3, within = '10m' }",
        "{ event = 'PROCESS_STATE_*', to_state = 'fatal' }",
        "{ program = 'camera', log = 'a.b', stream = 'stderr' }",
        "{ metric = 'temperature', above = 80, for = '2m', clear = 70 }",
        "{ sensor = 'lamp', above = 0.5 }",
        "{ gpio = 27, edge = 'falling', debounce = '50ms', hold = '3s' }",
        "{ gpio = 'lamp' }",
        "{ cron = '0 3 * * *' }",
        "{ stack = 'login.*', count = 2 }",
        "{ webhook = 'door-bell', secret_file = '/x' }",
    ] {
        assert_eq!(when(right), Vec::<String>::new(), "{right}");
    }
    let actions = "[{ notify = 'me', text = '{program} {exit_text} {last_lines} {time}' }, { stop = '@g' }, { restart = 'g:*' }, \
        { start = '{group}:{process}' }, { signal = 'SIGHUP', process = 'mqtt' }, { gpio = 'lamp', set = true, until = 'resolved' }, \
        { webhook = 'https://x.example' }, { run = 'true' }, { on_fail = { notify = 'me' } }]";
    assert_eq!(then(actions), Vec::<String>::new());
}

#[test]
fn wrong_whens() {
    for (text, wanted) in [
        ("{}", "rule.r.when | rule `r`: nothing is said"),
        ("{ event = 'crashed', metric = 'cpu', above = 1 }", "two kinds"),
        ("{ event = 'crashd' }", "did you mean `crashed`"),
        (
            "{ event = 'PROCESS_STATE_EXITTED' }",
            "did you mean `PROCESS_STATE_EXITED`",
        ),
        (
            "{ event = 'PROCESS_STATE_EXITED', to_state = 'FATAL' }",
            "never enters FATAL",
        ),
        ("{ event = 'crashed', expected = true }", "says the opposite"),
        (
            "{ program = 'camrea' }",
            "rule.r.when.program | rule `r`: there is no program `camrea` | did you mean `camera`?",
        ),
        ("{ event = '*', group = 'h' }", "no group `h`"),
        ("{ event = '*', to_state = 'fatl' }", "no process state"),
        (
            "{ event = '*', debounce = '1s' }",
            "`debounce` means nothing beside `event`",
        ),
        ("{ event = '*', within = '1s' }", "needs `count`"),
        ("{ event = '*', count = 0 }", "never happens"),
        ("{ program = 'camera', log = 'a(' }", "no regular expression"),
        ("{ program = 'camera', log = 'a{1000}{1000}' }", "too large"),
        ("{ log = 'a' }", "whose log?"),
        ("{ program = 'cam*', log = 'a' }", "not a glob"),
        (
            "{ metric = 'temprature', above = 1 }",
            "did you mean `temperature`",
        ),
        ("{ metric = 'cpu' }", "`above` or `below` is missing"),
        ("{ metric = 'cpu', above = 1, below = 2 }", "every reading"),
        (
            "{ metric = 'cpu', above = 1, clear = 2 }",
            "write clear = 1 or less",
        ),
        ("{ metric = 'cpu', above = inf }", "finite"),
        (
            "{ metric = 'cpu', above = 1, count = 3 }",
            "`count` means nothing beside `metric`",
        ),
        ("{ sensor = 'lmap', above = 1 }", "did you mean `lamp`"),
        ("{ gpio = 'lmap' }", "did you mean `lamp`"),
        ("{ gpio = 99 }", "there is no BCM 99"),
        ("{ cron = '61 * * * *' }", "no schedule"),
        ("{ cron = '0 0 30 2 *' }", "never comes"),
        (
            "{ webhook = 'a/b', secret_file = '/x' }",
            "cannot stand in an address",
        ),
        ("{ webhook = 'a' }", "`secret_file` is missing"),
    ] {
        let found = when(text);
        assert!(
            found.iter().any(|line| line.contains(wanted)),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn wrong_actions() {
    for (text, wanted) in [
        ("[]", "does nothing"),
        (
            "[{ log = 'x' }, { stop = 'camrea' }]",
            "rule.r.then.1 | rule `r`: there is no program `camrea`",
        ),
        ("[{ stop = '@h' }]", "no group `h`"),
        ("[{ notify = 'mee' }]", "did you mean `me`"),
        ("[{ notify = 'phone' }]", "add a table [channel.phone]"),
        ("[{ notify = [] }]", "names no channel"),
        ("[{ log = '{proces}' }]", "did you mean `{process}`?"),
        ("[{ log = '{value}' }]", "stands for nothing"),
        ("[{ run = '' }]", "empty command"),
        ("[{ run = 'x', timeout = 0 }]", "at once"),
        ("[{ gpio = 'lmap', set = true }]", "did you mean `lamp`"),
        ("[{ signal = 'HUPP', process = 'camera' }]", "did you mean `HUP`"),
        ("[{ rule = 'x', set = 'on' }]", "no rule `x`"),
        ("[{ rule = 'r', set = 'fire' }]", "sets itself off"),
        ("[{ shutdown = false }]", "does nothing"),
        ("[{ on_fail = { log = 'x' } }]", "stands first"),
        ("[{ webhook = 'example.org' }]", "no address"),
        ("[{ mail = 'me' }]", "no mail address"),
    ] {
        let found = then(text);
        assert!(
            found.iter().any(|line| line.contains(wanted)),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn policies_that_contradict_themselves() {
    let policy = |then: &str, policy: &str| {
        find(&format!(
            "[rule.r]\nwhen = {{ event = 'crashed' }}\nthen = {then}\npolicy = {policy}"
        ))
    };
    let speaks = "[{ notify = 'me' }]";
    for (then, text, wanted) in [
        (speaks, "{ quiet_lets_through = 'info' }", "needs `quiet`"),
        (
            "[{ log = 'x' }]",
            "{ quiet = '22:00-07:00' }",
            "is about messages",
        ),
        (speaks, "{ digest = '10ms' }", "gathers nothing"),
        (speaks, "{ wait = '2h' }", "longer than an hour"),
        (speaks, "{ on_resolve = ['mee'] }", "did you mean `me`"),
        (speaks, "{ on_resolve = [], resolve_text = 'x' }", "nobody hears"),
    ] {
        let found = policy(then, text);
        assert!(
            found.iter().any(|line| line.contains(wanted)),
            "{text}: {found:?}"
        );
    }
    assert_eq!(
        policy(
            speaks,
            "{ quiet = '22:00-07:00', wait = '10s', on_resolve = ['me'] }"
        ),
        Vec::<String>::new()
    );
    let twice = find(
        "[rule.r]\nwhen = { event = 'crashed' }\nthen = [{ log = 'x' }]\ncooldown = '1s'\npolicy = { cooldown = '2s' }",
    );
    assert!(twice[0].contains("twice"), "{twice:?}");
    let moment = find(
        "[rule.r]\nwhen = { cron = '0 3 * * *' }\nthen = [{ notify = 'me' }]\npolicy = { on_resolve = ['me'] }",
    );
    assert!(moment[0].contains("moment"), "{moment:?}");
}

#[test]
fn exceptions_and_dependencies_must_exist() {
    let found = find(
        "[rules]\ndepends_on = { camera = ['mqt'] }\n[rule.r]\nwhen = { event = 'crashed' }\nunless = ['rule.x', 'what']\nthen = [{ log = 'x' }]",
    );
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|line| line.contains("did you mean `mqtt`")));
}

#[test]
fn loops_are_found() {
    for (toml, wanted) in [
        (
            "[rule.a]\nwhen = { program = 'camera', to_state = 'STOPPED' }\nthen = [{ start = 'camera' }]\n\
             [rule.b]\nwhen = { program = 'camera', event = 'running' }\nthen = [{ stop = 'camera' }]",
            "a -> b -> a",
        ),
        (
            "[rule.a]\nwhen = { event = 'running' }\nthen = [{ restart = '{process}' }]",
            "a -> a",
        ),
        (
            "[rule.a]\nwhen = { gpio = 17 }\nthen = [{ gpio = 'lamp', pulse = '1s' }]",
            "a -> a",
        ),
        (
            "[rule.a]\nwhen = { cron = '@daily' }\nthen = [{ rule = 'b', set = 'fire' }]\n\
             [rule.b]\nwhen = { stack = 'x' }\nthen = [{ rule = 'a', set = 'fire' }]",
            "a -> b -> a",
        ),
    ] {
        let found = find(toml);
        assert!(
            found.iter().any(|line| line.contains(wanted)),
            "{toml}: {found:?}"
        );
    }
    for right in [
        "[rule.a]\nwhen = { program = 'camera', event = 'crashed' }\nthen = [{ restart = 'camera' }]",
        "[rule.a]\nwhen = { program = 'camera', event = 'stopped' }\nthen = [{ stop = 'mqtt' }]",
        "[rule.a]\nwhen = { gpio = 27 }\nthen = [{ gpio = 'lamp', pulse = '1s' }]",
    ] {
        assert_eq!(find(right), Vec::<String>::new(), "{right}");
    }
}
