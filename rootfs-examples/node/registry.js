// A registry stand-in: node registry.js SOCKET DIRECTORY
const fs = require("fs");
const http = require("http");
const path = require("path");

const [socket, dir] = process.argv.slice(2);
fs.rmSync(socket, { force: true });

http.createServer((request, response) => {
  const name = path.basename(decodeURIComponent(request.url));
  const manifest = path.join(dir, name, "package.json");
  if (name.endsWith(".tgz") && fs.existsSync(path.join(dir, name))) {
    return response.end(fs.readFileSync(path.join(dir, name)));
  }
  if (!fs.existsSync(manifest)) {
    response.writeHead(403, { "content-type": "application/json" });
    return response.end(JSON.stringify({ error: `${name} is not on the list in allowed/` }));
  }
  const version = JSON.parse(fs.readFileSync(manifest));
  version.dist = { tarball: `http://127.0.0.1:4873/${name}.tgz` };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ name, "dist-tags": { latest: version.version }, versions: { [version.version]: version } }));
}).listen(socket, () => {
  fs.chmodSync(socket, 0o666); // root's jail has ids of its own
  console.log("registry is ready");
});
