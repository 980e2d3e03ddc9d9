// Runs in the jail: leads port 4873 of loopback to the registry's socket, and
// runs a command meanwhile.
const net = require("net");
const { spawn } = require("child_process");

net.createServer((client) => {
  const server = net.connect("/registry/socket");
  client.pipe(server).pipe(client);
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
}).listen(4873, "127.0.0.1", () => {
  const [command, ...args] = process.argv.slice(2);
  spawn(command, args, { stdio: "inherit" }).on("exit", (status) => process.exit(status ?? 1));
});
