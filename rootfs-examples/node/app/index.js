console.log(require("left-trim")("   built from the allowed registry"));
