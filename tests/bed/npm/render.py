# SPDX-License-Identifier: MIT
"""The nginx configuration that Nginx Proxy Manager's templates amount to, written for Debian's nginx.

What matters for a client, and is therefore as in the real one: the host's target is three variables, so
that nginx connects anew for each request and asks the resolver at the time of the request (an unknown
name is a 502 then, and no fault of the configuration); a custom location has its target as it stands, so
that an unknown name there is refused by nginx -t; "location /" is left out when a custom location or the
advanced configuration has one, and then the host's own target says nothing. What differs: ports and
folders, and `http2` as a word of `listen`, because Debian's nginx knows no `http2 on`.
"""
import re

EXPLOITS = ("union.*select.*\\(", "[a-zA-Z0-9_]=http://", "(<|%3C).*script.*(>|%3E)", "base64_(en|de)code\\(.*\\)")
ASSETS = r"^.*\.(css|js|jpe?g|gif|png|webp|woff|woff2|eot|ttf|svg|ico|css\.map|js\.map)$"
WEBSOCKET = """proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $http_connection;
proxy_http_version 1.1;
"""
PROXY = """add_header X-Served-By $host;
proxy_set_header Host $host;
proxy_set_header X-Forwarded-Scheme $x_forwarded_scheme;
proxy_set_header X-Forwarded-Proto $x_forwarded_proto;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Real-IP $remote_addr;
proxy_pass $forward_scheme://$server:$port$request_uri;
"""
FORCE_SSL = """set $test "";
if ($scheme = "http") { set $test "H"; }
if ($request_uri = /.well-known/acme-challenge/test-challenge) { set $test "${test}T"; }
set $test_ssl_handled "$trust_forwarded_proto";
if ($http_x_forwarded_proto = "https") { set $test_ssl_handled "${test_ssl_handled}S"; }
if ($http_x_forwarded_scheme = "https") { set $test_ssl_handled "${test_ssl_handled}S"; }
if ($test_ssl_handled ~ ^TS) { set $test "${test}S"; }
if ($test = H) { return 301 https://$host$request_uri; }
"""


class Renderer:
    """Writes configurations for one instance: its nginx, its folder `data` and its ports."""

    def __init__(self, nginx, data, http_port, https_port, admin_port, api_address, resolver):
        self.nginx = nginx
        self.data = data
        self.http = f"127.0.0.1:{http_port}"
        self.https = f"127.0.0.1:{https_port}"
        self.admin = f"127.0.0.1:{admin_port}"
        self.api_address = api_address
        self.resolver = resolver

    def _challenge(self):
        return (f"location ^~ /.well-known/acme-challenge/ {{\nauth_basic off;\nallow all;\n"
                f"default_type text/plain;\nroot {self.data}/letsencrypt-acme-challenge;\n}}\n")

    def base(self):
        """The main file: default page, admin site, and where the hosts' files are."""
        return f"""{self.nginx.preamble()}
events {{ worker_connections 4096; }}
http {{
{self.nginx.http_preamble()}
default_type application/octet-stream;
server_tokens off;
tcp_nodelay on;
keepalive_timeout 90s;
proxy_connect_timeout 90s;
proxy_send_timeout 90s;
proxy_read_timeout 90s;
client_max_body_size 2000m;
server_names_hash_bucket_size 1024;
proxy_http_version 1.1;
proxy_set_header X-Forwarded-Scheme $scheme;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header Accept-Encoding "";
proxy_cache off;
proxy_cache_path {self.data}/cache levels=1:2 keys_zone=public-cache:5m max_size=32m;
access_log off;
resolver {self.resolver} valid=10s ipv6=off;
map $host $forward_scheme {{ default http; }}
map $http_x_forwarded_proto $x_forwarded_proto {{ "http" "http"; "https" "https"; default $scheme; }}
map $http_x_forwarded_scheme $x_forwarded_scheme {{ "http" "http"; "https" "https"; default $scheme; }}
include {self.data}/nginx/custom/http_top[.]conf;
server {{
listen {self.http} default_server;
server_name localhost-nginx-proxy-manager;
{self._challenge()}
location / {{ index index.html; root {self.data}/www; default_type text/html; }}
}}
server {{
listen {self.https} ssl default_server;
server_name localhost;
ssl_reject_handshake on;
return 444;
}}
server {{
listen {self.admin};
server_name nginxproxymanager;
location /api {{ return 302 /api/; }}
location /api/ {{
proxy_set_header Host $http_host;
proxy_read_timeout 15m;
proxy_pass http://{self.api_address};
}}
}}
include {self.data}/nginx/proxy_host/*.conf;
include {self.data}/nginx/temp/*.conf;
include {self.data}/nginx/custom/http[.]conf;
}}
"""

    def request(self, names):
        """The file that serves a challenge for names while their certificate is asked for."""
        return (f"server {{\nlisten {self.http};\nserver_name {' '.join(names)};\n{self._challenge()}"
                "location / { return 404; }\n}\n")

    def host(self, host):
        """One host's file; `host` is its row with certificate and access list, as far as they exist."""
        if not host["enabled"]:
            return ""
        locations = host["locations"] or []
        has_own_root = bool(re.search(r"^(?:.*;)?\s*?location\s*?/\s*?{", host["advanced_config"], re.I | re.M))
        root = "" if has_own_root or any(one["path"] == "/" for one in locations) else self._root(host)
        subdomains = " includeSubDomains;" if host["hsts_subdomains"] else ""
        return f"""map $scheme $hsts_header {{ https "max-age=63072000;{subdomains} preload"; }}
server {{
set $forward_scheme {host['forward_scheme']};
set $server "{host['forward_host']}";
set $port {host['forward_port']};
listen {self.http};
{self._tls(host)}server_name {' '.join(host['domain_names'])};
{self._assets(host)}{self._exploits(host)}{self._hsts(host)}{self._forced(host)}{self._websocket(host)}
error_log {self.data}/logs/proxy-host-{host['id']}_error.log warn;
{host['advanced_config']}
{''.join(self._location(host, one) for one in locations)}
{root}include {self.data}/nginx/custom/server_proxy[.]conf;
}}
"""

    def _root(self, host):
        return f"location / {{\n{self._access(host)}{self._hsts(host)}{self._websocket(host)}{PROXY}}}\n"

    def _location(self, host, one):
        target, _, path = one["forward_host"].partition("/")
        path = f"/{path}" if path else one.get("forward_path", "")
        return f"""location {one['path']} {{
{one.get('advanced_config', '')}
proxy_set_header Host $host;
proxy_set_header X-Forwarded-Scheme $scheme;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Real-IP $remote_addr;
proxy_pass {one['forward_scheme']}://{target}:{one['forward_port']}{path};
{self._access(host)}{self._assets(host)}{self._exploits(host)}{self._forced(host)}{self._hsts(host)}{self._websocket(host)}}}
"""

    def _tls(self, host):
        certificate = host.get("certificate")
        if not certificate:
            return ""
        challenge = self._challenge() if certificate["provider"] == "letsencrypt" else ""
        folder = self.certificate_folder(certificate)
        http2 = " http2" if host["http2_support"] else ""
        return (f"listen {self.https} ssl{http2};\n{challenge}ssl_protocols TLSv1.2 TLSv1.3;\n"
                f"ssl_certificate {folder}/fullchain.pem;\nssl_certificate_key {folder}/privkey.pem;\n")

    def certificate_folder(self, certificate):
        """Where the files of a certificate are."""
        kind = "letsencrypt/live" if certificate["provider"] == "letsencrypt" else "custom_ssl"
        return f"{self.data}/{kind}/npm-{certificate['id']}"

    def _access(self, host):
        rules = host.get("access_list")
        if not host["access_list_id"] or not rules:
            return ""
        text = ""
        if rules["items"]:
            text += (f'auth_basic "Authorization required";\nauth_basic_user_file {self.data}/access/{rules["id"]};\n')
            text += "" if rules["pass_auth"] else 'proxy_set_header Authorization "";\n'
        if rules["clients"]:
            text += "".join(f"{one['directive']} {one['address']};\n" for one in rules["clients"]) + "deny all;\n"
        return text + f"satisfy {'any' if rules['satisfy_any'] else 'all'};\n"

    @staticmethod
    def _has_tls(host):
        return bool(host.get("certificate")) and host["certificate_id"] > 0

    def _forced(self, host):
        if not self._has_tls(host) or not host["ssl_forced"]:
            return ""
        return f'set $trust_forwarded_proto "{"T" if host.get("trust_forwarded_proto") else "F"}";\n{FORCE_SSL}'

    def _hsts(self, host):
        if not self._has_tls(host) or not host["ssl_forced"] or not host["hsts_enabled"]:
            return ""
        return "add_header Strict-Transport-Security $hsts_header always;\n"

    @staticmethod
    def _exploits(host):
        if not host["block_exploits"]:
            return ""
        return "".join(f'if ($query_string ~ "{pattern}") {{ return 403; }}\n' for pattern in EXPLOITS)

    @staticmethod
    def _websocket(host):
        return WEBSOCKET if host["allow_websocket_upgrade"] else ""

    @staticmethod
    def _assets(host):
        if not host["caching_enabled"]:
            return ""
        return (f"location ~* {ASSETS} {{\nproxy_cache public-cache;\nproxy_cache_key $host$request_uri;\n"
                "proxy_ignore_headers Set-Cookie Cache-Control Expires X-Accel-Expires;\nproxy_cache_valid any 30m;\n"
                f"proxy_cache_valid 404 1m;\nexpires @30m;\n{PROXY}}}\n")
