//! Every method that clients can call, with its signature and help (supervision.md 1.7).

/// A parameter of a method.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    /// Type as `system.methodSignature` tells it.
    pub(crate) kind: &'static str,
    /// Name.
    pub(crate) name: &'static str,
    /// May be left out.
    pub(crate) optional: bool,
}

/// A method.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Method {
    /// Name without namespace.
    pub(crate) name: &'static str,
    /// Type of the result.
    pub(crate) returns: &'static str,
    /// Parameters in their order.
    pub(crate) parameters: &'static [Parameter],
    /// What it does.
    pub(crate) help: &'static str,
}

const fn must(kind: &'static str, name: &'static str) -> Parameter {
    Parameter {
        kind,
        name,
        optional: false,
    }
}

const fn may(kind: &'static str, name: &'static str) -> Parameter {
    Parameter {
        kind,
        name,
        optional: true,
    }
}

const fn method(
    name: &'static str,
    returns: &'static str,
    parameters: &'static [Parameter],
    help: &'static str,
) -> Method {
    Method {
        name,
        returns,
        parameters,
        help,
    }
}

const NAME: Parameter = must("string", "name");
const WAIT: Parameter = may("boolean", "wait");
const SIGNAL: Parameter = must("string", "signal");
const NAMED: &[Parameter] = &[NAME];
const NAMED_WAIT: &[Parameter] = &[NAME, WAIT];
const RANGE: &[Parameter] = &[must("int", "offset"), must("int", "length")];
const NAMED_RANGE: &[Parameter] = &[NAME, must("int", "offset"), must("int", "length")];

/// The `supervisor` namespace, sorted by name.
pub(crate) const SUPERVISOR: [Method; 37] = [
    method(
        "addProcessGroup",
        "boolean",
        NAMED,
        "Adds a group from the configuration last read.",
    ),
    method(
        "clearAllProcessLogs",
        "array",
        &[],
        "Clears the logs of all running processes.",
    ),
    method("clearLog", "boolean", &[], "Clears the supervisor's own log."),
    method("clearProcessLog", "boolean", NAMED, "Same as clearProcessLogs."),
    method(
        "clearProcessLogs",
        "boolean",
        NAMED,
        "Clears both logs of a running process.",
    ),
    method("getAPIVersion", "string", &[], "The version of this API."),
    method(
        "getAllConfigInfo",
        "array",
        &[],
        "How every process of the configuration last read is configured.",
    ),
    method("getAllProcessInfo", "array", &[], "The state of every process."),
    method("getIdentification", "string", &[], "The supervisor's identifier."),
    method("getPID", "int", &[], "The supervisor's process id."),
    method("getProcessInfo", "struct", NAMED, "The state of one process."),
    method(
        "getState",
        "struct",
        &[],
        "The supervisor's own state: statecode and statename.",
    ),
    method(
        "getSupervisorVersion",
        "string",
        &[],
        "The version of the supervisor.",
    ),
    method("getVersion", "string", &[], "Same as getAPIVersion."),
    method("readLog", "string", RANGE, "A part of the supervisor's own log."),
    method("readMainLog", "string", RANGE, "Same as readLog."),
    method(
        "readProcessLog",
        "string",
        NAMED_RANGE,
        "Same as readProcessStdoutLog.",
    ),
    method(
        "readProcessStderrLog",
        "string",
        NAMED_RANGE,
        "A part of a process's error log.",
    ),
    method(
        "readProcessStdoutLog",
        "string",
        NAMED_RANGE,
        "A part of a process's output log.",
    ),
    method(
        "reloadConfig",
        "array",
        &[],
        "Reads the configuration; tells groups added, changed and removed.",
    ),
    method(
        "removeProcessGroup",
        "boolean",
        NAMED,
        "Removes a group whose processes are all stopped.",
    ),
    method(
        "restart",
        "boolean",
        &[],
        "Stops everything, reads the configuration and begins anew.",
    ),
    method(
        "sendProcessStdin",
        "boolean",
        &[NAME, must("string", "chars")],
        "Writes to a process's standard input.",
    ),
    method(
        "sendRemoteCommEvent",
        "boolean",
        &[must("string", "type"), must("string", "data")],
        "Sends an event of a client's own to event listeners.",
    ),
    method(
        "shutdown",
        "boolean",
        &[],
        "Stops everything and ends the supervisor.",
    ),
    method(
        "signalAllProcesses",
        "array",
        &[SIGNAL],
        "Sends a signal to every process.",
    ),
    method(
        "signalProcess",
        "boolean",
        &[NAME, SIGNAL],
        "Sends a signal to a process, or to `group:*`.",
    ),
    method(
        "signalProcessGroup",
        "array",
        &[NAME, SIGNAL],
        "Sends a signal to the processes of a group.",
    ),
    method(
        "startAllProcesses",
        "array",
        &[WAIT],
        "Starts every process that does not run.",
    ),
    method(
        "startProcess",
        "boolean",
        NAMED_WAIT,
        "Starts a process, or `group:*`.",
    ),
    method(
        "startProcessGroup",
        "array",
        NAMED_WAIT,
        "Starts the processes of a group.",
    ),
    method(
        "stopAllProcesses",
        "array",
        &[WAIT],
        "Stops every process that runs.",
    ),
    method(
        "stopProcess",
        "boolean",
        NAMED_WAIT,
        "Stops a process, or `group:*`.",
    ),
    method(
        "stopProcessGroup",
        "array",
        NAMED_WAIT,
        "Stops the processes of a group.",
    ),
    method(
        "tailProcessLog",
        "array",
        NAMED_RANGE,
        "Same as tailProcessStdoutLog.",
    ),
    method(
        "tailProcessStderrLog",
        "array",
        NAMED_RANGE,
        "The end of a process's error log: text, offset, overflow.",
    ),
    method(
        "tailProcessStdoutLog",
        "array",
        NAMED_RANGE,
        "The end of a process's output log: text, offset, overflow.",
    ),
];

/// The `system` namespace, sorted by name.
pub(crate) const SYSTEM: [Method; 4] = [
    method("listMethods", "array", &[], "The names of all methods."),
    method("methodHelp", "string", NAMED, "What a method does."),
    method(
        "methodSignature",
        "array",
        NAMED,
        "Type of a method's result, then of its parameters.",
    ),
    method(
        "multicall",
        "array",
        &[must("array", "calls")],
        "Makes several calls, one after the other; each result is a value or a fault struct.",
    ),
];

/// The namespace and the method of a full name such as `supervisor.getState`.
pub(crate) fn find(full_name: &str) -> Option<(&'static str, &'static Method)> {
    let (namespace, name) = full_name.split_once('.')?;
    let (namespace, methods): (_, &'static [Method]) = match namespace {
        "supervisor" => ("supervisor", &SUPERVISOR),
        "system" => ("system", &SYSTEM),
        _ => return None,
    };
    methods
        .iter()
        .find(|method| method.name == name)
        .map(|method| (namespace, method))
}

impl Method {
    /// `[result, parameter...]`.
    pub(crate) fn signature(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.returns).chain(self.parameters.iter().map(|parameter| parameter.kind))
    }

    /// Help in the form of supervisord's: text, then `@param` and `@return` lines.
    pub(crate) fn documentation(&self) -> String {
        let mut text = format!(" {}\n\n", self.help);
        for Parameter { kind, name, optional } in self.parameters {
            let note = if *optional { " (true unless given)" } else { "" };
            text.push_str(&format!("        @param {kind} {name}{note}\n"));
        }
        text.push_str(&format!("        @return {} result\n        ", self.returns));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        for methods in [&SUPERVISOR[..], &SYSTEM[..]] {
            assert!(methods.windows(2).all(|pair| pair[0].name < pair[1].name));
        }
        assert_eq!(find("supervisor.getState").unwrap().1.returns, "struct");
        for unknown in [
            "getState",
            "supervisor.",
            "supervisor.x.getState",
            "other.getState",
            "supervisor._update",
        ] {
            assert!(find(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn signatures_and_help_name_every_parameter() {
        let (_, start) = find("supervisor.startProcess").unwrap();
        assert_eq!(
            start.signature().collect::<Vec<_>>(),
            ["boolean", "string", "boolean"]
        );
        assert!(
            start
                .documentation()
                .contains("@param boolean wait (true unless given)\n")
        );
    }
}
