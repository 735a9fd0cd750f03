using System.ComponentModel;
using System.Globalization;
using System.IO.Pipelines;
using Microsoft.Extensions.AI;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Agents;

/// <summary>
/// An MCP server that knows public holidays, and a client of it. Both are in this process, with pipes between them; tools of another
/// process come through <c>StdioClientTransport</c> and tools of another machine through <c>HttpClientTransport</c>, and are the same
/// to an agent.
/// </summary>
internal sealed class Calendar : IAsyncDisposable
{
    private readonly McpServer _server;
    private readonly McpClient _client;
    private readonly Task _serving;

    private Calendar(McpServer server, Task serving, McpClient client, IReadOnlyList<AIFunction> tools)
    {
        _server = server;
        _serving = serving;
        _client = client;
        Tools = tools;
    }

    /// <summary>The server's tools, as an agent takes them.</summary>
    public IReadOnlyList<AIFunction> Tools { get; }

    /// <summary>Starts the server and asks it for its tools.</summary>
    public static async Task<Calendar> StartAsync(CancellationToken cancellation)
    {
        var questions = new Pipe();
        var answers = new Pipe();
        McpServer server = McpServer.Create(
            new StreamServerTransport(questions.Reader.AsStream(), answers.Writer.AsStream()),
            new McpServerOptions
            {
                ServerInfo = new Implementation { Name = "calendar", Version = "1.0" },
                ToolCollection = [McpServerTool.Create(HolidayOn, new McpServerToolCreateOptions { Name = "holiday_on" })],
            });
        Task serving = server.RunAsync(CancellationToken.None);
        McpClient client = await McpClient.CreateAsync(
            new StreamClientTransport(questions.Writer.AsStream(), answers.Reader.AsStream()), cancellationToken: cancellation);
        return new Calendar(server, serving, client, [.. await client.ListToolsAsync(cancellationToken: cancellation)]);
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
        await _serving;
    }

    [Description("The public holiday on a date.")]
    private static string HolidayOn([Description("year-month-day")] string date) =>
        !DateOnly.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day)
            ? $"'{date}' is no date such as 2026-05-01."
            : (day.Month, day.Day) switch
            {
                (1, 1) => "New Year's Day",
                (5, 1) => "Labour Day",
                (12, 25) => "Christmas Day",
                _ => "none",
            };
}
