using SLoRA.Evaluation;

return EvaluationCommands.Root().Parse(args).Invoke();
