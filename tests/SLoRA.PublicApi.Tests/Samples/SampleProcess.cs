using System.Diagnostics;

namespace SLoRA.PublicApi.Tests.Samples;

/// <summary>A sample that runs as a process of its own, with redirected streams. It is killed when the test ends before it.</summary>
internal sealed class SampleProcess : IDisposable
{
    /// <summary>Far more than a sample takes, even where many tests share few cores.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly CancellationTokenSource _patience = new(Patience);
    private readonly Process _process;
    private readonly Task<string> _error;

    private SampleProcess(string program, string[] arguments, string folder, string? language = null, string? runtimeConfiguration = null,
        string? redirection = null)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(redirection is null ? host : "sh")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        if (redirection is not null)
        {
            // $0 and what follows are the arguments behind the script.
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add($"exec \"$0\" \"$@\" {redirection}");
            start.ArgumentList.Add(host);
        }

        start.ArgumentList.Add("exec");
        if (runtimeConfiguration is not null)
        {
            start.ArgumentList.Add("--runtimeconfig");
            start.ArgumentList.Add(runtimeConfiguration);
        }

        if (language is not null)
        {
            start.Environment["LC_ALL"] = language;
            start.Environment.Remove("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT");
        }

        start.ArgumentList.Add(program);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // A terminal that understands colours: a redirected stream must stay plain nevertheless.
        start.Environment["TERM"] = "xterm-256color";
        _process = Process.Start(start)!;
        _error = _process.StandardError.ReadToEndAsync(_patience.Token);
    }

    public int Id => _process.Id;

    public StreamWriter Input => _process.StandardInput;

    public static SampleProcess Start(string sample, params string[] arguments) =>
        new(Path.Combine(Repository.SampleOutput(sample), sample + ".dll"), arguments, Repository.Root);

    /// <summary>Starts a copy of a sample that lies elsewhere, in its own folder.</summary>
    public static SampleProcess StartCopy(string folder, string sample, params string[] arguments) =>
        new(Path.Combine(folder, sample + ".dll"), arguments, folder);

    /// <summary>Starts a sample in a language and with another runtime configuration than it was built with.</summary>
    public static SampleProcess StartUnder(string language, string runtimeConfiguration, string sample, params string[] arguments) =>
        new(Path.Combine(Repository.SampleOutput(sample), sample + ".dll"), arguments, Repository.Root, language, runtimeConfiguration);

    /// <summary>
    /// Runs a sample to its end with one line of input, and with a redirection as a shell knows it: <c>&gt; /dev/full</c>.
    /// </summary>
    public static async Task<SampleResult> RunRedirectedAsync(string redirection, string sample, params string[] arguments)
    {
        using var process = new SampleProcess(
            Path.Combine(Repository.SampleOutput(sample), sample + ".dll"), arguments, Repository.Root, redirection: redirection);
        await process.Input.WriteLineAsync(Demo.Hours);
        process.Input.Close();
        return await process.EndAsync();
    }

    /// <summary>Runs a sample to its end without any input.</summary>
    public static async Task<SampleResult> RunAsync(string sample, params string[] arguments)
    {
        using SampleProcess process = Start(sample, arguments);
        process.Input.Close();
        return await process.EndAsync();
    }

    /// <summary>The next line of output; null at its end.</summary>
    public async Task<string?> ReadLineAsync() => await _process.StandardOutput.ReadLineAsync(_patience.Token);

    /// <summary>Waits until something comes out.</summary>
    public async Task ReadSomethingAsync() =>
        Assert.That(await _process.StandardOutput.ReadAsync(new char[1], _patience.Token), Is.EqualTo(1));

    /// <summary>Nobody reads the output any more.</summary>
    public void CloseOutput() => _process.StandardOutput.Close();

    /// <summary>Sends SIGINT, as Ctrl-C does.</summary>
    public async Task InterruptAsync()
    {
        using Process kill = Process.Start("kill", ["-INT", $"{Id}"]);
        await kill.WaitForExitAsync(_patience.Token);
    }

    /// <summary>Waits for the end; <paramref name="readsOutput"/> is false when the output has been closed.</summary>
    public async Task<SampleResult> EndAsync(bool readsOutput = true)
    {
        string output = readsOutput ? await _process.StandardOutput.ReadToEndAsync(_patience.Token) : "";
        await _process.WaitForExitAsync(_patience.Token);
        return new SampleResult(_process.ExitCode, output.ReplaceLineEndings("\n"), (await _error).ReplaceLineEndings("\n"));
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

/// <summary>How a sample ended, and all it wrote.</summary>
internal sealed record SampleResult(int ExitCode, string Output, string Error)
{
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Fails unless it ended well and silently.</summary>
    public void AssertSuccess() => Assert.Multiple(() =>
    {
        Assert.That(Error, Is.Empty, "standard error");
        Assert.That(ExitCode, Is.Zero, "exit code");
    });
}
