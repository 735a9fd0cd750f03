using SLoRA.Core.Bench;

return BenchCommands.Root().Parse(args).Invoke();
