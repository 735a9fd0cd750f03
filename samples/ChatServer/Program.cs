using System.CommandLine;
using ChatServer;
using Samples;

// The demo model with all its tenants, or with --model that of a folder or a GGUF file, on loopback: a page for people, and endpoints for
// clients of OpenAI.
try
{
    ParseResult command = CommandLine.Create().Parse(args);
    if (command.Errors.Count > 0)
    {
        throw new UsageException(command.Errors[0].Message);
    }

    return await command.InvokeAsync(
        new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
}
catch (Exception error) when (Ending.Of(error) is { } ending)
{
    return ending.Tell();
}
