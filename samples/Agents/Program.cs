using System.CommandLine;
using Agents;
using Samples;

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
catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
{
    return interruption.ExitCode;
}
catch (Exception error) when (Ending.Of(error) is { } ending)
{
    return ending.Tell();
}
