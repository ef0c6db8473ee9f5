"""Plain reverse proxies in place of the gateway, whole or with a known defect.

A comparison that finds nothing wrong with a proxy that buffers, or drops a header, would find nothing wrong with
ours: these stand-ins are how the comparison itself is tested.
"""

import pathlib
import sys

from .processes import Service, free_port

# The one credential that the stand-in `token` takes.
TOKEN = "stand-in-token"
# What nginx does to the traffic, as directives of its location block.
NGINX = {
    "transparent": "",
    "token": "if ($http_authorization != 'Bearer " + TOKEN + "') { return 401; }",
    "no-session": "proxy_set_header Mcp-Session-Id '';",
    "no-method": "proxy_set_header Mcp-Method '';",
    "no-origin-check": "proxy_set_header Origin '';",
}
NAMES = [*NGINX, "collecting"]

COLLECTING_PROXY = pathlib.Path(__file__).with_name("collecting_proxy.py")

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {upstream};
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_set_header Host {host};
      proxy_buffering off;
      client_body_buffer_size 2m;
      proxy_read_timeout 300s;
      {defect}
    }}
  }}
}}
"""


def stand_in(name, upstream, folder):
    """The proxy `name` in front of the service `upstream`."""
    return collecting(upstream, folder) if name == "collecting" else nginx(name, upstream, folder)


def nginx(name, upstream, folder):
    port = free_port()
    # Who writes its own Host header hides a rebinding attack from the server behind it.
    host = "$proxy_host" if name == "no-origin-check" else "$http_host"
    text = CONFIGURATION.format(folder=folder, port=port, upstream=upstream.origin, host=host, defect=NGINX[name])
    path = pathlib.Path(folder) / f"nginx-{name}.conf"
    path.write_text(text)
    return Service(f"nginx-{name}", ["nginx", "-c", path], port, folder)


def collecting(upstream, folder):
    port = free_port()
    return Service("collecting", [sys.executable, COLLECTING_PROXY, port, upstream.port], port, folder)
