//! A connection to Redis, whichever way it is set up.

use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, IntoConnectionInfo as _,
    RedisConnectionInfo, RedisResult, TlsMode, Value,
};
use secrecy::ExposeSecret as _;

use crate::config::{RedisConfig, RedisTopology};

/// How long connecting may take; nobody waits for it but the one who keeps the connection.
const CONNECT: Duration = Duration::from_secs(2);

/// Carries the commands of everybody at once; clones share it.
#[derive(Clone)]
pub(in crate::cache) enum Link {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Link {
    /// `patience` bounds every answer; those who wait less say so themselves.
    pub(super) async fn open(config: &RedisConfig, patience: Duration) -> RedisResult<Self> {
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(patience));
        let client = match &config.topology {
            RedisTopology::Cluster => {
                return Ok(Self::Cluster(open_cluster(config, patience).await?));
            }
            RedisTopology::Single => Client::open(match addresses(config).pop() {
                Some(address) => address
                    .into_connection_info()?
                    .set_redis_settings(settings(config)),
                None => return Err(no_host()),
            })?,
            RedisTopology::Sentinel(name) => match ask_sentinels(config, name, true).await {
                Ok(client) => client,
                // Sentinels often have no password where the servers have one, and then refuse any.
                Err(_) if config.password.is_some() => ask_sentinels(config, name, false).await?,
                Err(error) => return Err(error),
            },
        };
        let connection = client
            .get_multiplexed_async_connection_with_config(&options)
            .await?;
        Ok(Self::Server(connection))
    }

    pub(in crate::cache) async fn command(&mut self, command: &Cmd) -> RedisResult<Value> {
        let answer = match self {
            Self::Server(connection) => connection.req_packed_command(command).await?,
            Self::Cluster(connection) => connection.req_packed_command(command).await?,
        };
        answer.extract_error()
    }

    /// All at once, each with its own answer.
    pub(super) async fn commands(&self, commands: &[Cmd]) -> Vec<RedisResult<Value>> {
        join_all(commands.iter().map(|command| {
            let mut link = self.clone();
            async move { link.command(command).await }
        }))
        .await
    }
}

fn addresses(config: &RedisConfig) -> Vec<ConnectionAddr> {
    let address = |(host, port): &(String, u16)| {
        let (host, port) = (host.clone(), *port);
        if config.tls {
            ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            }
        } else {
            ConnectionAddr::Tcp(host, port)
        }
    };
    config.hosts.iter().map(address).collect()
}

fn settings(config: &RedisConfig) -> RedisConnectionInfo {
    let mut settings = RedisConnectionInfo::default().set_db(config.database);
    if let Some(username) = &config.username {
        settings = settings.set_username(username);
    }
    if let Some(password) = &config.password {
        settings = settings.set_password(password.expose_secret());
    }
    settings
}

async fn open_cluster(config: &RedisConfig, patience: Duration) -> RedisResult<ClusterConnection> {
    let nodes = addresses(config).into_iter();
    let nodes = nodes
        .map(|address| {
            Ok(address
                .into_connection_info()?
                .set_redis_settings(settings(config)))
        })
        .collect::<RedisResult<Vec<_>>>()?;
    ClusterClientBuilder::new(nodes)
        // Whoever waits for an answer does not wait for a second try.
        .retries(1)
        .connection_timeout(CONNECT)
        .response_timeout(patience)
        .build()?
        .get_async_connection()
        .await
}

/// Where the server is now.
async fn ask_sentinels(config: &RedisConfig, name: &str, password: bool) -> RedisResult<Client> {
    let servers = SentinelServerType::Master;
    let mut builder = SentinelClientBuilder::new(addresses(config), name, servers)?
        .set_client_to_redis_db(config.database);
    if config.tls {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    if let Some(username) = &config.username {
        builder = builder.set_client_to_redis_username(username);
    }
    if let Some(secret) = &config.password {
        builder = builder.set_client_to_redis_password(secret.expose_secret());
        if password {
            builder = builder.set_client_to_sentinel_password(secret.expose_secret());
        }
    }
    let asked = tokio::time::timeout(CONNECT, async { builder.build()?.async_get_client().await });
    match asked.await {
        Ok(client) => client,
        Err(_elapsed) => Err(redis::RedisError::from(std::io::Error::from(
            std::io::ErrorKind::TimedOut,
        ))),
    }
}

fn no_host() -> redis::RedisError {
    redis::RedisError::from((redis::ErrorKind::InvalidClientConfig, "no host is given"))
}
