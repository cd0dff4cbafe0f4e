"""Reading files into what the shop knows: line by line, with what is wrong put aside."""
