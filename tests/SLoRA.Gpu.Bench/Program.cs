using SLoRA.Gpu.Bench;

return BenchCommands.Root().Parse(args).Invoke();
