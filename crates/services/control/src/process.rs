//! Programs as a page shows them: words, icons and colours for states, times, what may be done.

pub(crate) mod filter;
pub(crate) mod seen;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pistack_api::process::ProcessInfo;
use pistack_api::service::{GROUP, Service};

use crate::exit;
use crate::identity::Person;
use crate::inert;
use crate::moment::Moment;
use crate::spark::Spark;
use crate::upstream::supervisor::{Action, Channel, segment};
use crate::upstream::usage::Usage;
use crate::visit::Visit;
use crate::words::{Lang, Words, length};
use filter::Filter;
use seen::SeenTable;

/// How a state looks: never by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Look {
    /// `ok`, `busy`, `bad` or `idle`.
    pub(crate) class: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) word: &'static str,
}

impl Look {
    /// Of supervisord's state codes.
    pub(crate) fn of(info: &ProcessInfo, t: &Words) -> Self {
        let (class, icon, word) = match info.state {
            0 => ("idle", "circle-stop", t.state_stopped),
            10 => ("busy", "loader", t.state_starting),
            20 => ("ok", "circle-check", t.state_running),
            30 => ("bad", "rotate-cw", t.state_backoff),
            40 => ("busy", "loader", t.state_stopping),
            100 if info.exitstatus == 0 => ("idle", "circle-check", t.state_finished),
            100 => ("bad", "circle-x", t.state_exited),
            200 => ("bad", "octagon-x", t.state_fatal),
            _ => ("bad", "circle-question-mark", t.state_unknown),
        };
        Self { class, icon, word }
    }
}

/// Since when a program is in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Since {
    /// Runs since `start` (seconds since 1970); the text is its length at the time of writing.
    Up { start: i64, text: String },
    /// Ended then.
    At { iso: String, text: String },
    /// Never ran.
    Never,
}

/// One program's row, or its own page's head.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Of the element; made of the name, so that it stays the same.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) group: String,
    /// `group:name` as a segment of our addresses.
    pub(crate) address: String,
    /// What the filter looks at.
    pub(crate) find: String,
    pub(crate) look: Look,
    pub(crate) since: Since,
    pub(crate) pid: i32,
    pub(crate) details: String,
    pub(crate) logfile: String,
    pub(crate) may_act: bool,
    pub(crate) can_start: bool,
    pub(crate) can_stop: bool,
    pub(crate) can_restart: bool,
    /// The dashboard cannot be reached without it: ask before stopping it.
    pub(crate) essential: bool,
    /// The page to return to after an action without JavaScript.
    pub(crate) back: String,
    /// `group:name`.
    pub(crate) full: String,
    /// It ended in a way that nobody wished for: worth asking why.
    pub(crate) ended_badly: bool,
    pub(crate) use_of: UseOf,
    /// Within the last day; `None` where nothing is known.
    pub(crate) restarts: Option<usize>,
}

/// What a program takes, as a row shows it; empty texts where nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct UseOf {
    pub(crate) cpu: String,
    pub(crate) memory: String,
    pub(crate) spark: Spark,
    /// The drawing in words.
    pub(crate) said: String,
}

impl Row {
    pub(crate) fn new(info: &ProcessInfo, person: &Person, back: &str) -> Self {
        let t = person.visit.t;
        let full = full_name(info);
        let look = Look::of(info, t);
        let may = |action| person.controls(action, [&info.name, &full]);
        let name = inert::line(&info.name);
        let group = inert::line(&info.group);
        Self {
            id: format!("p-{}", URL_SAFE_NO_PAD.encode(&full)),
            find: format!("{name} {group} {}", look.word).to_lowercase(),
            name,
            group,
            address: segment(&full),
            look,
            since: since(info, person.visit.lang),
            pid: info.pid,
            details: details(info, t),
            logfile: String::new(),
            may_act: person.acts_on_programs(),
            can_start: may(Action::Start) && matches!(info.state, 0 | 100 | 200),
            can_stop: may(Action::Stop) && matches!(info.state, 10 | 20 | 30),
            can_restart: may(Action::Restart) && matches!(info.state, 10 | 20 | 30),
            essential: is_essential(&full),
            back: back.to_owned(),
            ended_badly: look.class == "bad",
            full,
            use_of: UseOf::default(),
            restarts: None,
        }
    }

    /// The same with what the program takes and how it fared.
    pub(crate) fn with_usage(mut self, info: &ProcessInfo, usage: &Usage, t: &Words) -> Self {
        let lang = t.lang();
        if let Some(taken) = usage.taken(info).filter(|_| info.pid > 0) {
            let percent = |value: f32| lang.percent(value.into());
            self.use_of = UseOf {
                cpu: taken.cpu_percent.map(|cpu| lang.percent(cpu)).unwrap_or_default(),
                memory: taken
                    .memory_bytes
                    .map(|memory| lang.bytes(memory))
                    .unwrap_or_default(),
                spark: taken.spark.clone(),
                said: Spark::range(&taken.cpu).map_or_else(String::new, |(low, high, now)| {
                    t.spark_text(percent(low), percent(high), percent(now))
                }),
            };
        }
        if let Some(fared) = usage.fared(&self.full) {
            self.restarts = Some(fared.restarts);
            if let Some(last) = fared
                .last
                .as_ref()
                .filter(|_| info.state == 100 && info.exitstatus != 0)
            {
                self.details = exit::in_words(last, t);
            }
        }
        self
    }

    /// Of the program's own page, where its buttons return to.
    pub(crate) fn of_page(info: &ProcessInfo, person: &Person) -> Self {
        Self::new(info, person, &format!("/programs/{}", segment(&full_name(info))))
    }

    /// The same with the path of one of its log files.
    pub(crate) fn with_log_file(mut self, info: &ProcessInfo, channel: Channel) -> Self {
        self.logfile = inert::line(match channel {
            Channel::Stdout => &info.stdout_logfile,
            Channel::Stderr => &info.stderr_logfile,
        });
        self
    }

    /// A number of all that a change of state changes: not the clock's ticking, nor what the program takes.
    pub(crate) fn state_number(&self) -> u64 {
        let since = match &self.since {
            Since::Up { start, .. } => seen::number(start),
            Since::At { iso, .. } => seen::number(iso),
            Since::Never => 0,
        };
        let may = (self.can_start, self.can_stop, self.can_restart);
        seen::number(&(since, self.restarts, &self.look, self.pid, &self.details, may))
    }
}

/// `group:name`, which is never ambiguous.
pub(crate) fn full_name(info: &ProcessInfo) -> String {
    format!("{}:{}", info.group, info.name)
}

/// Whether the dashboard hangs on this program.
pub(crate) fn is_essential(full: &str) -> bool {
    let Some(program) = full.strip_prefix(GROUP).and_then(|rest| rest.strip_prefix(':')) else {
        return false;
    };
    let services = [Service::Control, Service::Auth, Service::Supervisor];
    program == "gateway" || services.iter().any(|service| service.program() == program)
}

fn since(info: &ProcessInfo, lang: Lang) -> Since {
    match info.state {
        10 | 20 | 40 if info.start > 0 => Since::Up {
            start: info.start,
            text: length(info.now - info.start),
        },
        _ if info.stop > 0 => at(info.stop, lang),
        _ => Since::Never,
    }
}

fn at(unix: i64, lang: Lang) -> Since {
    let Moment { iso, text } = Moment::at(unix, lang);
    if iso.is_empty() {
        Since::Never
    } else {
        Since::At { iso, text }
    }
}

/// What is worth knowing beside the state. supervisord's own description repeats pid and uptime of a running
/// program, so it is used only where it says more.
fn details(info: &ProcessInfo, t: &Words) -> String {
    let code = info.exitstatus.to_string();
    match info.state {
        0 if info.start == 0 => t.detail_never.to_owned(),
        100 if info.exitstatus < 0 => t.detail_signal.to_owned(),
        100 if info.exitstatus > 0 => t.detail_exit(&code),
        30 | 200 if info.spawnerr.is_empty() => inert::line(&info.description),
        30 | 200 => inert::line(&info.spawnerr),
        _ => String::new(),
    }
}

/// Programs under one heading.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
}

/// How many programs are in a state other than running.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Part {
    pub(crate) look: Look,
    pub(crate) count: usize,
}

/// The line above the table.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Summary {
    pub(crate) class: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) text: String,
    pub(crate) parts: Vec<Part>,
}

/// The table of the home page.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) groups: Vec<Group>,
    pub(crate) summary: Summary,
    pub(crate) may_act: bool,
    /// The names of all groups, for choosing one.
    pub(crate) all_groups: Vec<String>,
    pub(crate) filter: Filter,
}

impl Table {
    pub(crate) fn new(list: &[ProcessInfo], usage: &Usage, filter: &Filter, person: &Person) -> Self {
        let t = person.visit.t;
        let back = format!("/{}", filter.query());
        let mut all_groups: Vec<String> = Vec::new();
        let mut solo = Vec::new();
        let mut groups: Vec<Group> = Vec::new();
        let mut stack = Vec::new();
        for info in list {
            let row = Row::new(info, person, &back).with_usage(info, usage, t);
            // A program in the group of its own name is in none that anybody would look for.
            if info.group != info.name && !all_groups.contains(&row.group) {
                all_groups.push(row.group.clone());
            }
            if !filter.takes(info, &row) {
                continue;
            }
            if info.group == GROUP {
                stack.push(row);
            } else if info.group == info.name {
                solo.push(row);
            } else {
                match groups.iter_mut().find(|group| group.title == row.group) {
                    Some(group) => group.rows.push(row),
                    None => groups.push(Group {
                        title: row.group.clone(),
                        rows: vec![row],
                    }),
                }
            }
        }
        let group = |title: &str, rows: Vec<Row>| Group {
            title: title.to_owned(),
            rows,
        };
        // A person's own programs come first; ours, which they rarely touch, last.
        groups.insert(0, group(t.group_solo, solo));
        groups.push(group(t.group_stack, stack));
        groups.retain(|group| !group.rows.is_empty());
        Self {
            groups,
            summary: Summary::new(list, &person.visit),
            may_act: person.acts_on_programs(),
            all_groups,
            filter: Filter {
                q: inert::line(&filter.q),
                ..filter.clone()
            },
        }
    }
}

impl Table {
    /// All rows, as they stand on the page.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.groups.iter().flat_map(|group| &group.rows)
    }

    /// Where the page hears of changes: with the filter, and with what it shows already.
    pub(crate) fn stream(&self) -> String {
        let query = self.filter.query();
        let with = if query.is_empty() { '?' } else { '&' };
        format!("{query}{with}seen={}", SeenTable::new(self).number())
    }
}

impl Summary {
    pub(crate) fn new(list: &[ProcessInfo], visit: &Visit) -> Self {
        let t = visit.t;
        let mut parts: Vec<Part> = Vec::new();
        for look in list
            .iter()
            .map(|info| Look::of(info, t))
            .filter(|look| look.class != "ok")
        {
            match parts.iter_mut().find(|part| part.look == look) {
                Some(part) => part.count += 1,
                None => parts.push(Part { look, count: 1 }),
            }
        }
        let up = list.len() - parts.iter().map(|part| part.count).sum::<usize>();
        let has = |class: &str| parts.iter().any(|part| part.look.class == class);
        let (class, icon) = match () {
            () if has("bad") => ("bad", "triangle-alert"),
            () if has("busy") => ("busy", "loader"),
            () if up == list.len() && up > 0 => ("ok", "circle-check"),
            () => ("idle", "info"),
        };
        let text = match () {
            () if list.is_empty() => t.none_at_all.to_owned(),
            () if up == list.len() => t.all_up(up),
            () => t.some_up(list.len(), up),
        };
        Self {
            class,
            icon,
            text,
            parts,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
