using System.CommandLine;
using Quickstart;
using SLoRA;

using var interruption = new Interruption();
try
{
    ParseResult command = CommandLine.Create().Parse(args);
    if (command.Errors.Count > 0)
    {
        throw new UsageException(command.Errors[0].Message);
    }

    return await command.InvokeAsync(
        new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, interruption.Token);
}
catch (UsageException error)
{
    Console.Error.WriteLine($"error: {error.Message}");
    return ExitCode.Usage;
}
catch (SLoraException error)
{
    Console.Error.WriteLine($"error: {error.Message.ReplaceLineEndings(" ")} ({error.Code})");
    return ExitCode.Failure;
}
catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
{
    return interruption.ExitCode;
}
