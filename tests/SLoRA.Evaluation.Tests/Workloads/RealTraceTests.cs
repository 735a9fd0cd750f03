using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Tests.Workloads;

internal sealed class RealTraceTests
{
    private const string Lines = """
        req_id,client,prompt_len,output_len,req_time
        0,13,13,199,0.000000
        1,2,36,137,0.207938
        2,0,456,600,0.441893
        3,7,72,89,1.138660
        4,7,512,89,1.5
        5,1,10,20,2.0
        """;

    private string _file = "";

    [SetUp]
    public void Write()
    {
        _file = Path.GetTempFileName();
        File.WriteAllText(_file, Lines);
    }

    [TearDown]
    public void Delete() => File.Delete(_file);

    [Test]
    public void The_file_is_read_as_it_is()
    {
        Trace trace = RealTrace.Read(_file);

        Assert.That(trace.Requests, Has.Count.EqualTo(6));
        Assert.That(trace.Requests[1], Is.EqualTo(new TraceRequest(0.207938, 2, 36, 137)));
    }

    [Test]
    public void Long_requests_are_left_out_and_times_are_stretched_to_the_rate()
    {
        // Four requests are below 512 tokens; at half a request per second they take 8 s, from 0 to 2 s stretched by 4.
        Trace trace = RealTrace.At(RealTrace.Read(_file), 0.5, 300);

        Assert.That(trace.Requests.Select(request => request.Adapter), Is.EqualTo(new[] { 13, 2, 7, 1 }));
        Assert.That(trace.Requests[^1].Arrival, Is.EqualTo(8).Within(1e-9));
        Assert.That(trace.Requests[1].Arrival, Is.EqualTo(4 * 0.207938).Within(1e-9));
    }

    [Test]
    public void No_more_are_taken_than_rate_and_duration_ask_for() =>
        Assert.That(RealTrace.At(RealTrace.Read(_file), 1, 2).Requests, Has.Count.EqualTo(2));

    [Test]
    public void A_line_that_is_no_request_is_refused_by_its_text()
    {
        File.AppendAllText(_file, "\n6,one,10,20,3.0");

        Assert.That(() => RealTrace.Read(_file), Throws.TypeOf<InvalidDataException>().With.Message.Contains("6,one,10,20,3.0"));
    }
}
