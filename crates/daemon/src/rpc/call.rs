//! Making a call for a connection: the `system` namespace here, the `supervisor` namespace by asking.

use std::path::PathBuf;

use pistack_api::xmlrpc::{Call, Fault, Value, fault};

use super::arguments::Arguments;
use super::faults;
use super::methods::{self, Method};
use crate::ask::{Answer, Asker};
use crate::logs::{read, text};

/// Makes a call and waits for its answer.
pub(crate) async fn call(asker: &Asker, supervisor_enabled: bool, call: Call) -> Result<Value, Fault> {
    let unknown = || faults::plain(fault::UNKNOWN_METHOD);
    let (namespace, method) = methods::find(&call.method).ok_or_else(unknown)?;
    if namespace == "supervisor" {
        if !supervisor_enabled {
            return Err(unknown());
        }
        return finish(asker.call(call).await?).await;
    }
    let arguments = Arguments::new(method, &call.params)?;
    match method.name {
        "listMethods" => Ok(list(supervisor_enabled)),
        "methodHelp" => Ok(described(&arguments.any(0)?, supervisor_enabled)?
            .documentation()
            .into()),
        "methodSignature" => {
            let described = described(&arguments.any(0)?, supervisor_enabled)?;
            Ok(Value::Array(described.signature().map(Value::from).collect()))
        }
        "multicall" => multicall(asker, supervisor_enabled, &call.params).await,
        _ => Err(unknown()),
    }
}

fn list(supervisor_enabled: bool) -> Value {
    let supervisor = if supervisor_enabled {
        &methods::SUPERVISOR[..]
    } else {
        &[]
    };
    let supervisor = supervisor
        .iter()
        .map(|method| format!("supervisor.{}", method.name));
    let system = methods::SYSTEM
        .iter()
        .map(|method| format!("system.{}", method.name));
    Value::Array(supervisor.chain(system).map(Value::from).collect())
}

fn described(name: &str, supervisor_enabled: bool) -> Result<&'static Method, Fault> {
    methods::find(name)
        .filter(|(namespace, _)| supervisor_enabled || *namespace != "supervisor")
        .map(|(_, method)| method)
        .ok_or_else(|| faults::plain(fault::SIGNATURE_UNSUPPORTED))
}

/// One call after the other; a failure is a struct among the results.
async fn multicall(asker: &Asker, supervisor_enabled: bool, params: &[Value]) -> Result<Value, Fault> {
    let calls = params
        .first()
        .and_then(Value::as_array)
        .ok_or_else(faults::incorrect_parameters)?;
    let mut results = Vec::with_capacity(calls.len());
    for entry in calls {
        let result = match inner_call(entry) {
            // boxed because a call may contain calls as far as the compiler knows; `inner_call` forbids it
            Ok(inner) => Box::pin(call(asker, supervisor_enabled, inner)).await,
            Err(fault) => Err(fault),
        };
        results.push(result.unwrap_or_else(|fault| {
            Value::Struct(vec![
                ("faultCode".into(), Value::Int(fault.code.into())),
                ("faultString".into(), fault.text.into()),
            ])
        }));
    }
    Ok(Value::Array(results))
}

fn inner_call(entry: &Value) -> Result<Call, Fault> {
    let refused = |why| Err(faults::about(fault::INCORRECT_PARAMETERS, why));
    let Some(method) = entry.get("methodName").and_then(Value::as_str) else {
        return refused("No methodName");
    };
    if method == "system.multicall" {
        return refused("Recursive system.multicall forbidden");
    }
    let params = match entry.get("params") {
        None => Vec::new(),
        Some(params) => params
            .as_array()
            .ok_or_else(faults::incorrect_parameters)?
            .to_vec(),
    };
    Ok(Call {
        method: method.to_owned(),
        params,
    })
}

/// Does the file work that an answer leaves to the connection, on a thread that may wait for the disk.
async fn finish(answer: Answer) -> Result<Value, Fault> {
    match answer {
        Answer::Value(value) => Ok(value),
        Answer::Read { path, offset, length } => {
            let text = apart(path, move |path| {
                read::read(path, offset, length).map(|bytes| text::for_xml(&bytes))
            })
            .await?;
            text.map(Value::from).map_err(|error| match error {
                read::ReadError::BadArguments => faults::plain(fault::BAD_ARGUMENTS),
                read::ReadError::Failed => faults::plain(fault::FAILED),
            })
        }
        Answer::Tail { path, offset, length } => {
            let (text, tail) = apart(path, move |path| {
                let tail = read::tail(path, offset, length);
                (text::for_xml(&tail.bytes), tail)
            })
            .await?;
            Ok(Value::Array(vec![
                text.into(),
                Value::Int(tail.offset),
                Value::Bool(tail.overflow),
            ]))
        }
    }
}

/// Small files are read at once; a thread costs more than their reading.
const SMALL: u64 = 256 << 10;

async fn apart<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&std::path::Path) -> T + Send + 'static,
) -> Result<T, Fault> {
    if std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= SMALL) {
        return Ok(work(&path));
    }
    tokio::task::spawn_blocking(move || work(&path))
        .await
        .map_err(|_| faults::plain(fault::FAILED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask;

    fn struct_of(method: &str) -> Value {
        Value::Struct(vec![
            ("methodName".into(), method.into()),
            ("params".into(), Value::Array(vec![])),
        ])
    }

    async fn system(name: &str, params: Vec<Value>, enabled: bool) -> Result<Value, Fault> {
        let (asker, _receiver) = ask::channel();
        call(
            &asker,
            enabled,
            Call {
                method: name.into(),
                params,
            },
        )
        .await
    }

    #[tokio::test]
    async fn lists_what_there_is() {
        let all = system("system.listMethods", vec![], true).await.unwrap();
        assert_eq!(all.as_array().unwrap().len(), 41);
        let few = system("system.listMethods", vec![], false).await.unwrap();
        assert_eq!(few.as_array().unwrap().len(), 4);
        let unknown = system("supervisor.getState", vec![], false).await.unwrap_err();
        assert_eq!((unknown.code, unknown.text.as_str()), (1, "UNKNOWN_METHOD"));
    }

    #[tokio::test]
    async fn describes_methods() {
        let signature = system("system.methodSignature", vec!["supervisor.getPID".into()], true)
            .await
            .unwrap();
        assert_eq!(signature, Value::Array(vec!["int".into()]));
        let fault = system("system.methodHelp", vec!["supervisor.nope".into()], true)
            .await
            .unwrap_err();
        assert_eq!(fault.code, 4);
        assert_eq!(
            system("system.methodHelp", vec![], true).await.unwrap_err().code,
            2
        );
    }

    #[tokio::test]
    async fn multicall_gives_raw_values_and_fault_structs() {
        let calls = Value::Array(vec![
            struct_of("system.listMethods"),
            struct_of("system.multicall"),
            struct_of("supervisor.nope"),
            Value::Struct(vec![]),
        ]);
        let results = system("system.multicall", vec![calls], true).await.unwrap();
        let results = results.as_array().unwrap();
        assert_eq!(results[0].as_array().unwrap().len(), 41);
        let faults: Vec<_> = results[1..]
            .iter()
            .map(|r| r.get("faultString").unwrap().as_str().unwrap())
            .collect();
        assert_eq!(
            faults,
            [
                "INCORRECT_PARAMETERS: Recursive system.multicall forbidden",
                "UNKNOWN_METHOD",
                "INCORRECT_PARAMETERS: No methodName"
            ]
        );
    }

    #[tokio::test]
    async fn a_supervisor_that_is_gone_is_shutting_down() {
        let (asker, receiver) = ask::channel();
        drop(receiver);
        let call = call(
            &asker,
            true,
            Call {
                method: "supervisor.getPID".into(),
                params: vec![],
            },
        );
        assert_eq!(call.await.unwrap_err().code, 6);
    }
}
