// Starts a leaking task below the extension host once the file named "go" is there.
const fs = require("fs");
const path = require("path");
const { spawn } = require("child_process");

exports.activate = () => {
  const hog = path.join(process.env.ROOM_PROGRAMS, "hog.py");
  const waits = setInterval(() => {
    if (!fs.existsSync(path.join(process.env.HOME, "go"))) return;
    clearInterval(waits);
    spawn("/usr/bin/python3", [hog, "2600", "25", "0.25"], {
      env: { ...process.env, ROOM_ROLE: "cause" },
    });
  }, 250);
};
