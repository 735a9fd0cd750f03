using System.CommandLine;
using SLoRA.Http.Bench;
using SLoRA.Http.Bench.SideBySide;

var root = new RootCommand("What HTTP costs, and the same program with LLamaSharp.") { HttpCommand.Create(), SideBySideCommand.Create() };
return await root.Parse(args).InvokeAsync();
