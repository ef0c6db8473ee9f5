//! A server made with the Rust SDK (rmcp) that speaks over standard input and output.
//!
//! | Tool | Arguments | Does |
//! |---|---|---|
//! | `echo` | `text` | gives it back |
//! | `count` | `steps` | reports progress so many times, then says how often |

use std::time::Duration;

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{ProgressNotificationParam, RequestMetaObject, ServerCapabilities, ServerConfig};
use rmcp::{Peer, RoleServer, ServerHandler, ServiceExt as _};
use rmcp::{schemars, tool, tool_handler, tool_router};

const STEPS_MAX: u32 = 100;
const STEP: Duration = Duration::from_millis(10);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Echo {
    text: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Count {
    steps: u32,
}

struct Server {
    #[expect(dead_code, reason = "the macro of the handler reads it")]
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl Server {
    #[tool(description = "Gives its argument back")]
    fn echo(&self, Parameters(Echo { text }): Parameters<Echo>) -> String {
        text
    }

    #[tool(description = "Reports progress, then says how often")]
    async fn count(
        &self,
        Parameters(Count { steps }): Parameters<Count>,
        meta: RequestMetaObject,
        client: Peer<RoleServer>,
    ) -> String {
        let steps = steps.min(STEPS_MAX);
        for step in 1..=steps {
            if let Some(token) = meta.get_progress_token() {
                let progress = ProgressNotificationParam::new(token, f64::from(step));
                // A client that left is no reason to stop counting.
                let _ = client.notify_progress(progress).await;
            }
            tokio::time::sleep(STEP).await;
        }
        format!("counted {steps}")
    }
}

#[tool_handler]
impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server {
        tool_router: Server::tool_router(),
    };
    server
        .serve(rmcp::transport::stdio())
        .await?
        .waiting()
        .await?;
    Ok(())
}
