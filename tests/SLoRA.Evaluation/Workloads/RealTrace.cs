using System.Globalization;

namespace SLoRA.Evaluation.Workloads;

/// <summary>
/// The trace of a public chat service that comes with the VTC artifact (Apache-2.0), as a table of
/// <c>req_id,client,prompt_len,output_len,req_time</c>. As S-LoRA did with its own: prompts and answers of 512 tokens and more are left
/// out, order is kept, and times are stretched to the rate that is asked for.
/// </summary>
internal static class RealTrace
{
    private const int Longest = 512;

    /// <summary>The file's name in the folder of large inputs.</summary>
    public const string FileName = "lmsys_trace.csv";

    /// <summary>Reads the requests as they are.</summary>
    /// <exception cref="InvalidDataException">A line is not what the header says.</exception>
    public static Trace Read(string file)
    {
        List<TraceRequest> requests = [];
        foreach (string line in File.ReadLines(file).Skip(1))
        {
            string[] fields = line.Split(',');
            if (fields.Length != 5
                || !int.TryParse(fields[1], CultureInfo.InvariantCulture, out int client)
                || !int.TryParse(fields[2], CultureInfo.InvariantCulture, out int prompt)
                || !int.TryParse(fields[3], CultureInfo.InvariantCulture, out int output)
                || !double.TryParse(fields[4], CultureInfo.InvariantCulture, out double time))
            {
                throw new InvalidDataException($"{file}: '{line}' is no request.");
            }

            requests.Add(new TraceRequest(time, client, prompt, output));
        }

        return new Trace("real", requests.Count == 0 ? 0 : requests[^1].Arrival, requests);
    }

    /// <summary>The requests below 512 tokens, as many as rate and duration ask for, spread over the duration.</summary>
    /// <param name="whole">The whole trace.</param>
    /// <param name="rate">Requests per second.</param>
    /// <param name="seconds">The duration.</param>
    public static Trace At(Trace whole, double rate, double seconds)
    {
        TraceRequest[] usable = [.. whole.Requests.Where(request => request is { Prompt: > 0 and < Longest, Output: > 0 and < Longest })];
        TraceRequest[] taken = [.. usable.Take((int)(rate * seconds))];

        // A trace that is too short gives what it has at the rate that is asked for.
        double duration = taken.Length / rate;
        double last = taken.Length == 0 ? 0 : taken[^1].Arrival;
        double factor = last == 0 ? 1 : duration / last;
        string name = string.Create(CultureInfo.InvariantCulture, $"real R={rate} D={duration:F0}");
        return new Trace(name, duration, [.. taken.Select(request => request with { Arrival = request.Arrival * factor })]);
    }
}
