//! The peer with deliberate defects by which the suite is tested, as a program, so that other suites can test it as
//! well. `autobahn/compare` compares the verdicts.
//!
//! - `faulty_peer list server|client`: the defects of that role, one a line; those that are in the request of a client
//!   have `request` behind their name
//! - `faulty_peer DEFECT server ADDRESS`: an echo server
//! - `faulty_peer DEFECT client URL --agent NAME`: a client that walks through the cases of a fuzzing server
//!
//! The name `none` stands for no defect.

use std::{env, error::Error, net::TcpListener};

use conformance::{
    Role,
    subject::faulty::{self, DEFECTS, Defect},
};

const USAGE: &str = "usage: faulty_peer list server|client | DEFECT server ADDRESS | DEFECT client URL --agent NAME";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["list", "server"] => list(Role::Server),
        ["list", "client"] => list(Role::Client),
        [name, "server", address] => {
            faulty::serve(&TcpListener::bind(address)?, defect(name)?)?;
        }
        [name, "client", url, "--agent", agent] => {
            faulty::walk(&url.parse()?, agent, defect(name)?)?;
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

fn list(role: Role) {
    for listed in DEFECTS.iter().filter(|listed| listed.applies_to(role)) {
        let is_in_request = role == Role::Client && listed.defect.is_in_request();
        println!(
            "{}{}",
            listed.name,
            if is_in_request { " request" } else { "" }
        );
    }
}

fn defect(name: &str) -> Result<Option<Defect>, String> {
    if name == "none" {
        return Ok(None);
    }
    let found = Defect::named(name).ok_or_else(|| format!("no defect is named {name}"))?;
    Ok(Some(found))
}
