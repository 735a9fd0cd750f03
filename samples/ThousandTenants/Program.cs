using System.CommandLine;
using SLoRA;
using ThousandTenants;

using var interruption = new Interruption();
try
{
    ParseResult command = CommandLine.Create().Parse(args);
    if (command.Errors.Count > 0)
    {
        Console.Error.WriteLine($"error: {command.Errors[0].Message}");
        return 2;
    }

    return await command.InvokeAsync(
        new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, interruption.Token);
}
catch (SLoraException error)
{
    Console.Error.WriteLine($"error: {error.Message.ReplaceLineEndings(" ")} ({error.Code})");
    return 1;
}
catch (FileNotFoundException error)
{
    Console.Error.WriteLine($"error: {error.Message}");
    return 1;
}
catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
{
    return interruption.ExitCode;
}
