//! The forms that have a name.

use std::fmt;

/// A form of log lines. The names are what users write and what documents say; docs/logs.md shows a line of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// nginx's `combined`, which is Apache's too; also with a tail that nobody knows.
    NginxCombined,
    /// nginx's stock `main`: combined with `"$http_x_forwarded_for"`.
    NginxMain,
    /// The ingress controller of nginx.
    NginxIngress,
    /// Apache's (and everybody's) Common Log Format.
    ApacheCommon,
    /// Apache's `combined`, where the user says that it is Apache's: nothing in a line tells it from nginx's.
    ApacheCombined,
    /// Apache's `vhost_combined`.
    ApacheVhost,
    /// Traefik's default.
    TraefikClf,
    /// Envoy's default text, and Istio's.
    EnvoyText,
    /// HAProxy's `option httplog`.
    HaproxyHttp,
    /// AWS Application Load Balancer.
    AwsAlb,
    /// nginx's error log.
    NginxError,
    /// Cassandra's audit log.
    CassandraAudit,
    /// Envoy's JSON.
    JsonEnvoy,
    /// Caddy's access log.
    JsonCaddy,
    /// Traefik's JSON.
    JsonTraefik,
    /// AWS API Gateway.
    JsonApigateway,
    /// AWS CloudTrail, one event a line or `{"Records":[…]}`.
    JsonCloudtrail,
    /// Our own gateway's access log.
    JsonRatewarden,
    /// Anyscale's audit files.
    JsonAnyscale,
    /// Any other JSON, by a field map.
    Json,
    /// A `log_format` of the user's.
    Custom,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 21] = [
        Self::NginxCombined,
        Self::NginxMain,
        Self::NginxIngress,
        Self::ApacheCommon,
        Self::ApacheCombined,
        Self::ApacheVhost,
        Self::TraefikClf,
        Self::EnvoyText,
        Self::HaproxyHttp,
        Self::AwsAlb,
        Self::NginxError,
        Self::CassandraAudit,
        Self::JsonEnvoy,
        Self::JsonCaddy,
        Self::JsonTraefik,
        Self::JsonApigateway,
        Self::JsonCloudtrail,
        Self::JsonRatewarden,
        Self::JsonAnyscale,
        Self::Json,
        Self::Custom,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NginxCombined => "nginx-combined",
            Self::NginxMain => "nginx-main",
            Self::NginxIngress => "nginx-ingress",
            Self::ApacheCommon => "apache-common",
            Self::ApacheCombined => "apache-combined",
            Self::ApacheVhost => "apache-vhost",
            Self::TraefikClf => "traefik-clf",
            Self::EnvoyText => "envoy-text",
            Self::HaproxyHttp => "haproxy-http",
            Self::AwsAlb => "aws-alb",
            Self::NginxError => "nginx-error",
            Self::CassandraAudit => "cassandra-audit",
            Self::JsonEnvoy => "json-envoy",
            Self::JsonCaddy => "json-caddy",
            Self::JsonTraefik => "json-traefik",
            Self::JsonApigateway => "json-apigateway",
            Self::JsonCloudtrail => "json-cloudtrail",
            Self::JsonRatewarden => "json-ratewarden",
            Self::JsonAnyscale => "json-anyscale",
            Self::Json => "json",
            Self::Custom => "custom",
        }
    }

    /// The form of that name, if it can be asked for by it: `custom` cannot, it is a format string.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name && *form != Self::Custom)
    }

    /// Whether its lines are JSON objects.
    #[must_use]
    pub const fn is_json(self) -> bool {
        matches!(
            self,
            Self::JsonEnvoy
                | Self::JsonCaddy
                | Self::JsonTraefik
                | Self::JsonApigateway
                | Self::JsonCloudtrail
                | Self::JsonRatewarden
                | Self::JsonAnyscale
                | Self::Json
        )
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
