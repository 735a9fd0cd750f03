using System.Diagnostics;

namespace SLoRA.AspNetCore.Tests.Clients;

/// <summary>The sample <c>samples/ChatServer</c> as a process of its own, on a port of its own.</summary>
internal sealed class ChatServerProcess : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";

    private readonly Process _process;
    private readonly Task<string> _errors;
    private Task _rest = Task.CompletedTask;

    private ChatServerProcess(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public Uri Address { get; private set; } = null!;

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="arguments">Of its command line, which say its address or leave it a free port.</param>
    public static async Task<ChatServerProcess> StartAsync(params string[] arguments)
    {
        string configuration = Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;
        string program = RepositoryFolder.PathOf("samples", "ChatServer", "bin", configuration, "net10.0", "ChatServer.dll");
        var server = new ChatServerProcess(Process.Start(new ProcessStartInfo(
            "dotnet", [program, .. arguments.Contains("--urls") ? [] : (string[])["--urls", "http://127.0.0.1:0"], .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!);
        while (await server._process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains(Listening, StringComparison.Ordinal))
            {
                server.Address = new Uri(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..]);
                server._rest = server._process.StandardOutput.ReadToEndAsync();
                return server;
            }
        }

        throw new InvalidOperationException("The sample did not start: " + await server._errors);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        await _rest;
        _process.Dispose();
    }
}
