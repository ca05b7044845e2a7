//! Requests to upstreams, over real sockets: each fault gives its failure within the time, nothing of the upstream shows, and all is well again afterwards.

mod apps;
mod credentials;
mod faults;
mod limits;
mod packed;
mod probe;
mod redirects;
mod shared;
mod tls;
mod told;
mod watched;
