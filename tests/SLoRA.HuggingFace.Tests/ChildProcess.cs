using System.Diagnostics;

namespace SLoRA.HuggingFace.Tests;

/// <summary>A static method of the test program in a process of its own. It is killed when the test ends before it.</summary>
internal sealed class ChildProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly CancellationTokenSource _patience = new(Patience);
    private readonly Process _process;

    private ChildProcess(ProcessStartInfo start) => _process = Process.Start(start)!;

    /// <summary>Starts a static method that takes texts and returns a task.</summary>
    /// <param name="method">The method.</param>
    /// <param name="variable">A variable of the process that is set to 1; null for none.</param>
    /// <param name="arguments">What the method gets.</param>
    public static ChildProcess Start(Func<string[], Task> method, string? variable, params string[] arguments)
    {
        var start =
            new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet") { RedirectStandardOutput = true };
        string[] all =
            ["exec", typeof(ChildProcess).Assembly.Location, method.Method.DeclaringType!.FullName!, method.Method.Name, .. arguments];
        foreach (string argument in all)
        {
            start.ArgumentList.Add(argument);
        }

        if (variable is not null)
        {
            start.Environment[variable] = "1";
        }

        return new ChildProcess(start);
    }

    /// <summary>Starts a tool that holds its input open until it is told to end.</summary>
    public static ChildProcess StartTool(string tool, params string[] arguments) =>
        new(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardInput = true });

    /// <summary>Reads what the process writes until it has written a line.</summary>
    public async Task ReadUntilAsync(Predicate<string> isIt)
    {
        string? line;
        do
        {
            line = await _process.StandardOutput.ReadLineAsync(_patience.Token);
            Assert.That(line, Is.Not.Null, "the process ended before it said what it had to");
        }
        while (!isIt(line!));
    }

    /// <summary>Ends a tool that reads its input.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Ends the process without a chance to tidy up.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(_patience.Token);
    }

    /// <summary>Waits for the end of the process, and fails the test unless it was as the exit code says.</summary>
    public async Task EndAsync(int exitCode = 0)
    {
        string rest = await _process.StandardOutput.ReadToEndAsync(_patience.Token);
        await _process.WaitForExitAsync(_patience.Token);
        Assert.That(_process.ExitCode, Is.EqualTo(exitCode), rest);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
        _patience.Dispose();
    }
}
