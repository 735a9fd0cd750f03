using System.Net;
using SLoRA.HuggingFace.Names;
using SLoRA.HuggingFace.Protocol;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>
/// Where the bytes of one file come from: the Hub, or the place that it sends us to, which is asked directly for as long as it answers.
/// </summary>
/// <param name="connection">Sends the requests.</param>
/// <param name="address">The file's address at the Hub.</param>
/// <param name="file">The file.</param>
/// <param name="waits">Told when the Hub has to be waited for.</param>
internal sealed class BlobSource(HubConnection connection, Uri address, RepositoryFile file, Action waits)
{
    private volatile Uri? _place;

    /// <summary>The file.</summary>
    public RepositoryFile File => file;

    /// <summary>Asks for bytes.</summary>
    /// <param name="range">The first and the last; null for all.</param>
    /// <param name="cancellation">Ends the wait for the answer.</param>
    public async Task<HttpResponseMessage> SendAsync((long First, long Last)? range, CancellationToken cancellation)
    {
        if (_place is { } place)
        {
            try
            {
                return await connection.SendAsync(To(place, range), cancellation).ConfigureAwait(false);
            }
            catch (HubException error) when (IsOver(error.Status))
            {
                // Such places are for an hour; the Hub names another one.
                _place = null;
            }
        }

        HttpResponseMessage response = await connection.SendAsync(To(address, range), cancellation).ConfigureAwait(false);
        _place = response.RequestMessage?.RequestUri is { } answered && !connection.IsHub(answered) ? answered : null;
        return response;
    }

    /// <summary>The wait before a connection that broke is made again.</summary>
    public Task WaitAfterBreakAsync(CancellationToken cancellation) => connection.WaitAsync(RetryRule.AfterBreak, cancellation);

    /// <summary>The error of a file that has another length than it should have.</summary>
    public HubException WrongLength(string found) =>
        WrongContent($"{Shown.Name(file.Path)} has {file.Size} bytes by what the Hub says of it, and {found}");

    /// <summary>The error of a file that is not what it should be.</summary>
    public HubException WrongContent(string problem) =>
        new(HubErrorKind.WrongContent, $"{problem}. Nothing of it was kept.") { Files = [file.Path] };

    private static bool IsOver(HttpStatusCode? status) =>
        status is HttpStatusCode.BadRequest or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound
            or HttpStatusCode.Gone;

    private HubRequest To(Uri place, (long First, long Last)? range) =>
        new(HttpMethod.Get, place, Shown.Name(file.Path)) { Range = range, Waits = waits };
}
