//! What is stored is what is read back: every input, every command, every output.
