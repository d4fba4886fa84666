import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { freePort, processOf, type ServerProcess, serverCore, spawnProgram, untilAnswering } from "./processes.ts";

/** nginx's program: `NGINX`, or the one of the system; null, said aloud, where there is none. */
function nginxProgram(): string | null {
  const candidates = [process.env.NGINX ?? "", "nginx", "/usr/sbin/nginx"];
  const found = candidates.find((program) => program !== "" && spawnSync(program, ["-v"]).status === 0);
  if (found === undefined) console.log("  LEFT OUT: nginx is not installed (or set NGINX)");
  return found ?? null;
}

/** Everything below `/uploads/` goes to a registry at `port`, whose archives in the folder `blobs` nginx sends (`path`). */
interface Passing {
  port: number;
  path: string;
  blobs: string;
}

function closing(passing?: Passing): string {
  if (passing === undefined) return "}}\n";
  return `
    location /uploads/ {
      proxy_pass http://registry;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
    location ${passing.path}/ {
      internal;
      alias ${passing.blobs}/;
      etag off;
      add_header ETag $upstream_http_etag;
    }
  }
  upstream registry {
    server 127.0.0.1:${passing.port};
    keepalive 32;
  }
}
`;
}

/** Starts one worker of nginx on the servers' processor that serves, and takes, the files of `root`; null where there is no nginx. */
export async function startNginx(folder: string, root: string, passing?: Passing): Promise<ServerProcess | null> {
  const program = nginxProgram();
  if (program === null) return null;
  const port = await freePort();
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/nginx.conf`, configuration(folder, root, port) + closing(passing));
  // nginx takes its own NGINX for a list of open sockets.
  const env = { NGINX: undefined };
  const child = spawnProgram(
    [program, "-p", `${folder}/`, "-e", `${folder}/error.log`, "-c", "nginx.conf"],
    serverCore,
    env,
  );
  await untilAnswering(child, `http://127.0.0.1:${port}/`);
  return processOf(child, port);
}

/** One process, so that it can be measured and nothing is left of it; sending as nginx does best. Still open at its end. */
function configuration(folder: string, root: string, port: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  return `
${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
master_process off;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=1000 inactive=60s;
  ${temporary.join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 1000000000;
    root ${root};
    # Puts archives where they are asked for, for scenarios that send some.
    dav_methods PUT;
    create_full_put_path on;
    client_max_body_size 0;
`;
}
