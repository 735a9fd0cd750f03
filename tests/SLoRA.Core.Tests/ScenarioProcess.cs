using System.Diagnostics;
using NUnit.Framework;

namespace SLoRA.Core.Tests;

/// <summary>
/// A process of the test program that runs scenarios one after the other, for what a process can have once only, such as its driver: what
/// the first one has made the runtime compile, the next ones find. A scenario that fails ends it, so that the next one begins anew.
/// </summary>
/// <param name="prepare">A static method that runs before every scenario.</param>
/// <param name="conclude">One that runs behind every scenario that returns, and may find that it has failed after all.</param>
/// <param name="environment">Variables of the process, over those of this one.</param>
internal sealed class ScenarioProcess(Action prepare, Action conclude, params (string Name, string Value)[] environment) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    private readonly Lock _turn = new();
    private Process? _process;
    private Task<string>? _errors;

    /// <summary>Runs a scenario; fails the test unless it returns.</summary>
    /// <param name="scenario">A static method without parameters.</param>
    /// <param name="variables">Variables of the environment while it runs, for native code too.</param>
    /// <returns>What it wrote to its output.</returns>
    public string Run(Delegate scenario, params ReadOnlySpan<(string Name, string Value)> variables)
    {
        lock (_turn)
        {
            _process ??= Start();
            (Process process, string name) = (_process, scenario.Method.Name);
            ScenarioServer.Ask(process.StandardInput, [prepare.Method, scenario.Method, conclude.Method], variables);
            Task<(bool HasReturned, string Output)> answer = Task.Run(() => ScenarioServer.ReadAnswer(process.StandardOutput));
            if (!answer.Wait(Limit))
            {
                process.Kill(entireProcessTree: true);
                string output = answer.Result.Output + End();
                Assert.Fail($"{name} did not end within {Limit}: {output}");
            }

            if (!answer.Result.HasReturned)
            {
                string output = answer.Result.Output + End();
                Assert.Fail($"{name}: {output}");
            }

            return answer.Result.Output;
        }
    }

    /// <summary>Ends the process.</summary>
    public void Dispose()
    {
        lock (_turn)
        {
            End();
        }
    }

    private Process Start()
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                "exec", typeof(ScenarioProcess).Assembly.Location, typeof(ScenarioServer).FullName!, nameof(ScenarioServer.Serve),
            },
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        Process process = Process.Start(start)!;
        _errors = process.StandardError.ReadToEndAsync();
        return process;
    }

    /// <summary>Ends the process, and says what it has written about errors.</summary>
    private string End()
    {
        if (_process is null)
        {
            return "";
        }

        using Process process = _process;
        _process = null;
        process.StandardInput.Close();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
        }

        return _errors!.Result;
    }
}
