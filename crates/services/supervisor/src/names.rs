//! Finding the process that a client means.

use pistack_api::process::ProcessInfo;

use crate::error::Error;

/// The process called `name`: `group:process`, or `process` where one group alone has it.
pub(crate) fn resolve<'a>(processes: &'a [ProcessInfo], name: &str) -> Result<&'a ProcessInfo, Error> {
    if let Some((group, process)) = name.split_once(':') {
        return processes
            .iter()
            .find(|info| info.group == group && info.name == process)
            .ok_or_else(|| Error::Unknown(name.to_owned()));
    }
    let named: Vec<_> = processes.iter().filter(|info| info.name == name).collect();
    // As in supervisord: a program in the group of its own name is meant first.
    if let Some(own) = named.iter().find(|info| info.group == name) {
        return Ok(own);
    }
    match named.as_slice() {
        [] => Err(Error::Unknown(name.to_owned())),
        [one] => Ok(one),
        several => Err(Error::Ambiguous {
            name: name.to_owned(),
            candidates: several.iter().map(|info| namespec(info)).collect(),
        }),
    }
}

/// `group:process`, which every XML-RPC method takes.
pub(crate) fn namespec(info: &ProcessInfo) -> String {
    format!("{}:{}", info.group, info.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(group: &str, name: &str) -> ProcessInfo {
        ProcessInfo {
            name: name.into(),
            group: group.into(),
            start: 0,
            stop: 0,
            now: 0,
            state: 0,
            statename: "STOPPED".into(),
            spawnerr: String::new(),
            exitstatus: 0,
            logfile: String::new(),
            stdout_logfile: String::new(),
            stderr_logfile: String::new(),
            pid: 0,
            description: String::new(),
        }
    }

    #[test]
    fn resolves_as_clients_expect() {
        let all = [
            process("RaspberryPiSystem", "auth_service"),
            process("camera", "camera"),
            process("spare", "camera"),
            process("a", "worker"),
            process("b", "worker"),
        ];
        let found = |name: &str| resolve(&all, name).map(namespec);
        assert_eq!(found("auth_service").unwrap(), "RaspberryPiSystem:auth_service");
        assert_eq!(
            found("RaspberryPiSystem:auth_service").unwrap(),
            "RaspberryPiSystem:auth_service"
        );
        assert_eq!(found("camera").unwrap(), "camera:camera");
        assert_eq!(found("spare:camera").unwrap(), "spare:camera");
        for unknown in [
            "",
            "auth",
            "RaspberryPiSystem",
            "RaspberryPiSystem:*",
            "x:auth_service",
            ":",
        ] {
            assert!(matches!(found(unknown), Err(Error::Unknown(_))), "{unknown}");
        }
        let Err(Error::Ambiguous { candidates, .. }) = found("worker") else {
            panic!("not ambiguous")
        };
        assert_eq!(candidates, ["a:worker", "b:worker"]);
    }
}
