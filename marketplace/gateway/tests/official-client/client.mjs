// Connects to the gateway at URL as whoever TOKEN names, and writes everything that it is told as lines of JSON,
// until its standard input ends.

import { io } from "socket.io-client";

const tell = (event, ...values) => console.log(JSON.stringify({ event, arguments: values }));

const socket = io(process.env.URL, {
  auth: process.env.TOKEN ? { token: process.env.TOKEN } : {},
  extraHeaders: process.env.COOKIE ? { cookie: process.env.COOKIE } : {},
  transports: ["websocket"],
  reconnectionDelay: 50,
  reconnectionDelayMax: 200,
});

socket.onAny(tell);
socket.on("connect", () => {
  tell("connect");
  socket.timeout(10_000).emit("hello", "?", (error, answer) => tell("answer", error ? String(error) : answer));
});
socket.on("connect_error", (error) => tell("connect_error", error.message));
socket.on("disconnect", (reason) => tell("disconnect", reason));

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
