using System.Diagnostics;
using NUnit.Framework;

namespace SLoRA.Core.Tests;

/// <summary>
/// Runs a static method of the test program in a process of its own: for what a process can have once only, such as its driver.
/// </summary>
internal static class ChildProcess
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <summary>Runs the method; fails the test unless it returns.</summary>
    /// <param name="method">A static method without parameters.</param>
    /// <param name="environment">Variables of the process, over those of this one.</param>
    /// <returns>What it wrote to its output.</returns>
    public static string Run(Delegate method, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "exec", typeof(ChildProcess).Assembly.Location, method.Method.DeclaringType!.FullName!, method.Method.Name },
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{method.Method.Name} did not end within {Limit}: {output.Result}{error.Result}");
        }

        Assert.That(process.ExitCode, Is.Zero, () => $"{method.Method.Name}: {output.Result}{error.Result}");
        return output.Result;
    }
}
